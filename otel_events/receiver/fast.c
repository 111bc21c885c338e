/* The commonest requests to rows, compiled: what wire.py, records.py, values.py and the view `searched` do in Python and SQL.

   Every function gives up where something is less common or broken, and the code in Python then does it, or says what is wrong;
   what is given here equals what that code gives. The bytes come from anybody: no place is read before it is compared with the
   end, lengths are compared with what is left and never added up before, and nothing here calls itself without a bound. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_ATTRIBUTES 64
#define MAX_DEPTH 8
#define MAX_NESTING 64
#define FIRST_ROOM 4096
#define EXACT_DIGITS 15 /* of a number with a fraction: so many SQLite writes as Python does */
#define EXACT_INTEGER_DIGITS 18
#define COLUMNS 19
#define TRACE_ID_BYTES 16
#define SPAN_ID_BYTES 8

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* -- growing buffers ----------------------------------------------------------------------------------------------------- */

typedef struct {
    char *data;
    Py_ssize_t length, room;
    char first[FIRST_ROOM];
} Buffer;

static void
buffer_begin(Buffer *buffer)
{
    buffer->data = buffer->first;
    buffer->length = 0;
    buffer->room = FIRST_ROOM;
}

static void
buffer_end(Buffer *buffer)
{
    if (buffer->data != buffer->first) {
        PyMem_Free(buffer->data);
    }
}

/* Give where so many bytes more may be written; NULL where there is no memory. */
static char *
buffer_reserve(Buffer *buffer, Py_ssize_t more)
{
    if (more > buffer->room - buffer->length) {
        if (more > PY_SSIZE_T_MAX / 4 - buffer->length) {
            return NULL;
        }
        Py_ssize_t room = 2 * (buffer->length + more);
        char *data = PyMem_Malloc((size_t)room);
        if (data == NULL) {
            return NULL;
        }
        memcpy(data, buffer->data, (size_t)buffer->length);
        buffer_end(buffer);
        buffer->data = data;
        buffer->room = room;
    }
    return buffer->data + buffer->length;
}

static int
buffer_put(Buffer *buffer, const char *data, Py_ssize_t length)
{
    char *place = buffer_reserve(buffer, length);
    if (place == NULL) {
        return 0;
    }
    memcpy(place, data, (size_t)length);
    buffer->length += length;
    return 1;
}

/* -- the wire format ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const unsigned char *at, *end;
} Span;

typedef struct {
    unsigned number, kind;
    uint64_t value; /* of a varint or a fixed number */
    Span bytes;     /* of a field of bytes */
} Field;

static Py_ssize_t
size_of(Span span)
{
    return span.end - span.at;
}

static int
read_varint(Span *from, uint64_t *value)
{
    uint64_t found = 0;
    for (int shift = 0; shift < 64 && from->at < from->end; shift += 7) {
        unsigned char byte = *from->at++;
        if (shift == 63 && byte > 1) {
            return 0;
        }
        found |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value = found;
            return 1;
        }
    }
    return 0;
}

/* Read a field with a number below 16; 0 where there is another one, or it is cut off. */
static int
read_field(Span *from, Field *field)
{
    if (from->at >= from->end || *from->at >= 0x80) {
        return 0;
    }
    unsigned char tag = *from->at++;
    field->number = tag >> 3;
    field->kind = tag & 7;
    uint64_t size;
    switch (field->kind) {
    case VARINT:
        return field->number != 0 && read_varint(from, &field->value);
    case BYTES:
        if (field->number == 0 || !read_varint(from, &size) || size > (uint64_t)size_of(*from)) {
            return 0;
        }
        field->bytes.at = from->at;
        from->at += size;
        field->bytes.end = from->at;
        return 1;
    case FIXED64:
    case FIXED32:
        size = field->kind == FIXED64 ? 8 : 4;
        if (field->number == 0 || (uint64_t)size_of(*from) < size) {
            return 0;
        }
        field->value = 0;
        for (uint64_t index = 0; index < size; index++) {
            field->value |= (uint64_t)from->at[index] << (8 * index);
        }
        from->at += size;
        return 1;
    default:
        return 0;
    }
}

static int
is_same(Span span, const char *text)
{
    size_t length = strlen(text);
    return (size_t)size_of(span) == length && memcmp(span.at, text, length) == 0;
}

/* -- values as JSON ------------------------------------------------------------------------------------------------------ */

typedef struct {
    unsigned kind; /* the field of AnyValue, 0 for none */
    Field field;
} Value;

/* Read an AnyValue that has at most one field. */
static int
read_value(Span from, Value *value)
{
    value->kind = 0;
    if (from.at == from.end) {
        return 1;
    }
    if (!read_field(&from, &value->field) || from.at != from.end) {
        return 0;
    }
    value->kind = value->field.number;
    switch (value->kind) {
    case 1: /* string */
    case 5: /* array */
        return value->field.kind == BYTES;
    case 2: /* bool */
    case 3: /* int */
        return value->field.kind == VARINT;
    case 4: /* double */
        return value->field.kind == FIXED64;
    default:
        return 0;
    }
}

static int
put_text(Buffer *json, Span text)
{
    static const char digits[] = "0123456789abcdef";
    if (size_of(text) > PY_SSIZE_T_MAX / 32) {
        return 0;
    }
    char *start = buffer_reserve(json, 6 * size_of(text) + 2), *to = start;
    if (start == NULL) {
        return 0;
    }
    *to++ = '"';
    for (const unsigned char *at = text.at; at < text.end; at++) {
        unsigned char byte = *at;
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '\\';
        switch (byte) {
        case '"':
        case '\\':
            *to++ = (char)byte;
            break;
        case '\n':
            *to++ = 'n';
            break;
        case '\r':
            *to++ = 'r';
            break;
        case '\t':
            *to++ = 't';
            break;
        case '\f':
            *to++ = 'f';
            break;
        case '\b':
            *to++ = 'b';
            break;
        default:
            memcpy(to, "u00", 3);
            to[3] = digits[byte >> 4];
            to[4] = digits[byte & 15];
            to += 5;
        }
    }
    *to++ = '"';
    json->length += to - start;
    return 1;
}

static int
put_integer(Buffer *json, int64_t value)
{
    char digits[20], *at = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    return (value >= 0 || buffer_put(json, "-", 1)) && buffer_put(json, at, digits + sizeof digits - at);
}

static int
put_double(Buffer *json, uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) {
        return 0;
    }
    char *text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) {
        PyErr_Clear();
        return 0;
    }
    int put = buffer_put(json, text, (Py_ssize_t)strlen(text));
    PyMem_Free(text);
    return put;
}

static int put_array(Buffer *json, Span from, int depth);

static int
put_value(Buffer *json, const Value *value, int depth)
{
    switch (value->kind) {
    case 0:
        return buffer_put(json, "null", 4);
    case 1:
        return put_text(json, value->field.bytes);
    case 2:
        return value->field.value ? buffer_put(json, "true", 4) : buffer_put(json, "false", 5);
    case 3:
        return put_integer(json, (int64_t)value->field.value);
    case 4:
        return put_double(json, value->field.value);
    default:
        return put_array(json, value->field.bytes, depth);
    }
}

static int
put_array(Buffer *json, Span from, int depth)
{
    if (depth >= MAX_DEPTH || !buffer_put(json, "[", 1)) {
        return 0;
    }
    for (int is_first = 1; from.at < from.end; is_first = 0) {
        Field field;
        Value item;
        if (!read_field(&from, &field) || field.number != 1 || field.kind != BYTES || !read_value(field.bytes, &item)
            || (!is_first && !buffer_put(json, ",", 1)) || !put_value(json, &item, depth + 1)) {
            return 0;
        }
    }
    return buffer_put(json, "]", 1);
}

/* -- a log record to a row ----------------------------------------------------------------------------------------------- */

typedef struct {
    Span key;
    Value value;
} Attribute;

typedef struct {
    Attribute attributes[MAX_ATTRIBUTES];
    int count;
    unsigned seen; /* a bit for each field that came; all but attributes may come once */
    uint64_t time_ns, observed_ns, severity_number, dropped;
    Span severity_text, name, trace_id, span_id;
    Value body;
} Record;

static int
read_attribute(Span from, Attribute *attribute)
{
    unsigned seen = 0;
    attribute->key.at = attribute->key.end = from.at;
    attribute->value.kind = 0;
    while (from.at < from.end) {
        Field field;
        if (!read_field(&from, &field) || field.kind != BYTES || field.number > 2 || seen & 1u << field.number) {
            return 0;
        }
        seen |= 1u << field.number;
        if (field.number == 1) {
            attribute->key = field.bytes;
        } else if (!read_value(field.bytes, &attribute->value)) {
            return 0;
        }
    }
    return 1;
}

static int
read_record(Span from, Record *record)
{
    memset((char *)record + offsetof(Record, count), 0, sizeof *record - offsetof(Record, count));
    while (from.at < from.end) {
        Field field;
        if (!read_field(&from, &field)) {
            return 0;
        }
        if (field.number == 6) {
            if (field.kind != BYTES || record->count == MAX_ATTRIBUTES) {
                return 0;
            }
            Attribute *added = &record->attributes[record->count];
            if (!read_attribute(field.bytes, added)) {
                return 0;
            }
            for (int index = 0; index < record->count; index++) {
                Span other = record->attributes[index].key;
                if (size_of(other) == size_of(added->key)
                    && memcmp(other.at, added->key.at, (size_t)size_of(other)) == 0) {
                    return 0; /* of two values the last stands, in the place of the first */
                }
            }
            record->count++;
            continue;
        }
        if (record->seen & 1u << field.number) {
            return 0;
        }
        record->seen |= 1u << field.number;
        unsigned kind;
        switch (field.number) {
        case 1:
            kind = FIXED64;
            record->time_ns = field.value;
            break;
        case 2:
            kind = VARINT;
            record->severity_number = field.value;
            if (field.value > 127) {
                return 0;
            }
            break;
        case 3:
            kind = BYTES;
            record->severity_text = field.bytes;
            break;
        case 5:
            kind = BYTES;
            if (field.kind != BYTES || !read_value(field.bytes, &record->body) || record->body.kind > 1) {
                return 0;
            }
            break;
        case 7:
            kind = VARINT;
            record->dropped = field.value;
            if (field.value > UINT32_MAX) {
                return 0;
            }
            break;
        case 8: /* flags */
            kind = FIXED32;
            break;
        case 9:
            kind = BYTES;
            record->trace_id = field.bytes;
            break;
        case 10:
            kind = BYTES;
            record->span_id = field.bytes;
            break;
        case 11:
            kind = FIXED64;
            record->observed_ns = field.value;
            break;
        case 12:
            kind = BYTES;
            record->name = field.bytes;
            break;
        default:
            return 0;
        }
        if (field.kind != kind) {
            return 0;
        }
    }
    return 1;
}

/* Give text as a column has it, None for none; NULL where it has a NUL or is no UTF-8. */
static PyObject *
column_text(Span text)
{
    if (text.at == text.end) {
        return Py_NewRef(Py_None);
    }
    if (memchr(text.at, 0, (size_t)size_of(text)) != NULL) {
        return NULL;
    }
    return PyUnicode_DecodeUTF8((const char *)text.at, size_of(text), NULL);
}

static PyObject *
column_number(uint64_t number, int none_if_zero)
{
    if (number == 0 && none_if_zero) {
        return Py_NewRef(Py_None);
    }
    return PyLong_FromUnsignedLongLong(number > INT64_MAX ? INT64_MAX : number);
}

static PyObject *
column_id(Span id, Py_ssize_t length)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * TRACE_ID_BYTES];
    unsigned char any = 0;
    if (size_of(id) != length) {
        return Py_NewRef(Py_None);
    }
    for (Py_ssize_t index = 0; index < length; index++) {
        any |= id.at[index];
        text[2 * index] = digits[id.at[index] >> 4];
        text[2 * index + 1] = digits[id.at[index] & 15];
    }
    return any ? PyUnicode_DecodeASCII(text, 2 * length, NULL) : Py_NewRef(Py_None);
}

/* Find the text of an attribute, empty where there is none; 0 where it is no text. */
static int
find_text(const Record *record, const char *key, Span *text)
{
    text->at = text->end = NULL;
    for (int index = 0; index < record->count; index++) {
        const Attribute *attribute = &record->attributes[index];
        if (is_same(attribute->key, key)) {
            if (attribute->value.kind == 1) {
                *text = attribute->value.field.bytes;
            }
            return attribute->value.kind <= 1;
        }
    }
    return 1;
}

static PyObject *
attributes_json(const Record *record)
{
    Buffer json;
    buffer_begin(&json);
    int is_put = buffer_put(&json, "{", 1);
    for (int index = 0; is_put && index < record->count; index++) {
        const Attribute *attribute = &record->attributes[index];
        is_put = (index == 0 || buffer_put(&json, ",", 1)) && put_text(&json, attribute->key)
                 && buffer_put(&json, ":", 1) && put_value(&json, &attribute->value, 0);
    }
    PyObject *text = NULL;
    if (is_put && buffer_put(&json, "}", 1)) {
        text = PyUnicode_DecodeUTF8(json.data, json.length, NULL);
    }
    buffer_end(&json);
    return text;
}

typedef struct {
    PyTypeObject *type;
    PyObject *signal, *service, *service_instance, *scope, *scope_version, *resource;
    long long received_ns;
} Shared;

static PyObject *
row_of(Span data, const Shared *shared, Py_ssize_t *characters)
{
    Record record;
    Span uid, actor, body = {NULL, NULL};
    if (!read_record(data, &record) || !find_text(&record, "log.record.uid", &uid)
        || !find_text(&record, "user.id", &actor)) {
        return NULL;
    }
    if (actor.at == actor.end && !find_text(&record, "user.hash", &actor)) {
        return NULL;
    }
    if (record.name.at == record.name.end && !find_text(&record, "event.name", &record.name)) {
        return NULL;
    }
    if (record.body.kind == 1) {
        body = record.body.field.bytes;
    }
    uint64_t time_ns = record.time_ns       ? record.time_ns
                       : record.observed_ns ? record.observed_ns
                                            : (uint64_t)shared->received_ns;
    PyObject *columns[COLUMNS] = {NULL};
    PyObject *row = NULL;
    if ((columns[0] = column_text(uid)) && (columns[1] = Py_NewRef(shared->signal))
        && (columns[2] = column_number(time_ns, 0)) && (columns[3] = column_number(record.observed_ns, 1))
        && (columns[4] = PyLong_FromLongLong(shared->received_ns)) && (columns[5] = column_text(record.name))
        && (columns[6] = column_number(record.severity_number, 1)) && (columns[7] = column_text(record.severity_text))
        && (columns[8] = column_text(body)) && (columns[9] = column_text(actor))
        && (columns[10] = Py_NewRef(shared->service)) && (columns[11] = Py_NewRef(shared->service_instance))
        && (columns[12] = column_id(record.trace_id, TRACE_ID_BYTES))
        && (columns[13] = columns[12] == Py_None ? Py_NewRef(Py_None) : column_id(record.span_id, SPAN_ID_BYTES))
        && (columns[14] = Py_NewRef(shared->scope)) && (columns[15] = Py_NewRef(shared->scope_version))
        && (columns[16] = attributes_json(&record)) && (columns[17] = column_number(record.dropped, 0))
        && (columns[18] = Py_NewRef(shared->resource))) {
        row = shared->type->tp_alloc(shared->type, COLUMNS);
    }
    if (row == NULL) {
        for (int index = 0; index < COLUMNS; index++) {
            Py_XDECREF(columns[index]);
        }
        return NULL;
    }
    for (int index = 0; index < COLUMNS; index++) {
        PyTuple_SET_ITEM(row, index, columns[index]);
    }
    PyObject_GC_UnTrack(row); /* text and numbers make no ring that the garbage collector would have to look for */
    *characters = PyUnicode_GET_LENGTH(columns[16]) + PyUnicode_GET_LENGTH(columns[18])
                  + (columns[8] == Py_None ? 0 : PyUnicode_GET_LENGTH(columns[8]));
    return row;
}

static unsigned long
place_at(const Py_buffer *places, Py_ssize_t index)
{
    unsigned long place;
    memcpy(&place, (const char *)places->buf + index * (Py_ssize_t)sizeof place, sizeof place);
    return place;
}

static PyObject *
rows_between(
    const Py_buffer *data, const Py_buffer *starts, const Py_buffer *ends, Py_ssize_t first, Py_ssize_t stop,
    const Py_ssize_t bounds[3], const Shared *shared
)
{
    const unsigned char *bytes = data->buf;
    Py_ssize_t characters = 0, size = 0;
    PyObject *rows = PyList_New(0);
    for (Py_ssize_t index = first; rows != NULL && index < stop && size < bounds[1]; index++) {
        unsigned long start = place_at(starts, index), end = place_at(ends, index);
        Py_ssize_t more;
        if (end > (unsigned long)data->len || start > end || end - start > (unsigned long)bounds[0]) {
            break;
        }
        PyObject *row = row_of((Span){bytes + start, bytes + end}, shared, &more);
        if (row == NULL) {
            PyErr_Clear(); /* the code in Python comes upon it again */
            break;
        }
        if (more > bounds[2] - characters) {
            Py_DECREF(row);
            break;
        }
        characters += more;
        size += (Py_ssize_t)(end - start);
        if (PyList_Append(rows, row) < 0) {
            Py_CLEAR(rows);
        }
        Py_DECREF(row);
    }
    return rows == NULL ? NULL : Py_BuildValue("Nn", rows, characters);
}

static PyObject *
log_rows(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer data, starts, ends;
    Py_ssize_t first, stop, bounds[3];
    Shared shared;
    if (!PyArg_ParseTuple(
            arguments, "y*y*y*nn(nnn)O!(UOOOOUL):log_rows", &data, &starts, &ends, &first, &stop, &bounds[0],
            &bounds[1], &bounds[2], &PyType_Type, &shared.type, &shared.signal, &shared.service,
            &shared.service_instance, &shared.scope, &shared.scope_version, &shared.resource, &shared.received_ns
        )) {
        return NULL;
    }
    Py_ssize_t number = starts.len / (Py_ssize_t)sizeof(unsigned long);
    PyObject *found = NULL;
    if (starts.len != ends.len || first < 0 || stop > number || bounds[0] < 0 || shared.received_ns < 0
        || !PyType_IsSubtype(shared.type, &PyTuple_Type) || shared.type->tp_basicsize != PyTuple_Type.tp_basicsize) {
        PyErr_SetString(PyExc_ValueError, "log_rows() was given places or a type of rows that do not fit");
    } else {
        found = rows_between(&data, &starts, &ends, first, stop, bounds, &shared);
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&starts);
    PyBuffer_Release(&ends);
    return found;
}

/* -- the outer structure of a request ------------------------------------------------------------------------------------- */

static int
put_place(Buffer *places, const unsigned char *from, const unsigned char *to)
{
    unsigned long place = (unsigned long)(to - from);
    return buffer_put(places, (const char *)&place, sizeof place);
}

static PyObject *
places(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer data;
    Py_ssize_t start, end, room, fields = 0;
    if (!PyArg_ParseTuple(arguments, "y*nnn:places", &data, &start, &end, &room)) {
        return NULL;
    }
    const unsigned char *bytes = data.buf;
    Buffer firsts, starts, ends;
    buffer_begin(&firsts);
    buffer_begin(&starts);
    buffer_begin(&ends);
    int is_fine = start >= 0 && start <= end && end <= data.len;
    Span from = {bytes + (is_fine ? start : 0), bytes + (is_fine ? end : 0)};
    for (; is_fine && from.at < from.end; fields++) {
        Field field;
        is_fine = fields < room && read_field(&from, &field);
        if (is_fine && field.kind == BYTES && field.number == 1) {
            is_fine = buffer_put(&firsts, (const char *)field.bytes.at, size_of(field.bytes));
        } else if (is_fine && field.kind == BYTES && field.number == 2) {
            is_fine = put_place(&starts, bytes, field.bytes.at) && put_place(&ends, bytes, field.bytes.end);
        }
    }
    PyObject *found = NULL;
    if (is_fine) {
        found = Py_BuildValue(
            "y#y#y#n", firsts.data, firsts.length, starts.data, starts.length, ends.data, ends.length, fields
        );
    } else {
        found = Py_NewRef(Py_None);
    }
    buffer_end(&firsts);
    buffer_end(&starts);
    buffer_end(&ends);
    PyBuffer_Release(&data);
    return found;
}

/* -- the words of attributes ---------------------------------------------------------------------------------------------- */

/* Give where the text ends whose first quote was just read; NULL where it does not. */
static const unsigned char *
text_end(Span from)
{
    while (from.at < from.end && *from.at != '"') {
        if (*from.at++ == '\\' && from.at++ >= from.end) {
            return NULL;
        }
    }
    return from.at < from.end ? from.at : NULL;
}

static int
put_unescaped(Buffer *words, Span text)
{
    char *to = buffer_reserve(words, size_of(text));
    if (to == NULL) {
        return 0;
    }
    char *start = to;
    while (text.at < text.end) {
        unsigned char byte = *text.at++;
        if (byte != '\\') {
            *to++ = (char)byte;
            continue;
        }
        static const char escaped[] = "\"\\nrtfb", meant[] = "\"\\\n\r\t\f\b";
        byte = text.at < text.end ? *text.at++ : 0;
        const char *found = byte ? strchr(escaped, byte) : NULL;
        if (found == NULL) {
            return 0; /* other control characters; SQLite's text functions stop at NUL */
        }
        *to++ = meant[found - escaped];
    }
    words->length += to - start;
    return 1;
}

/* Read a number that SQLite writes as it stands here; 0 where it may not. */
static int
put_number(Buffer *words, Span *from)
{
    const unsigned char *start = from->at;
    int digits = 0, is_whole = 1;
    from->at += *from->at == '-';
    for (; from->at < from->end; from->at++) {
        unsigned char byte = *from->at;
        if (byte >= '0' && byte <= '9') {
            digits += digits || byte != '0';
        } else if (byte == '.' && is_whole) {
            is_whole = 0;
        } else {
            break;
        }
    }
    if (from->at < from->end && (*from->at == 'e' || *from->at == 'E')) {
        return 0;
    }
    if (digits > (is_whole ? EXACT_INTEGER_DIGITS : EXACT_DIGITS) || (!digits && *start == '-')) {
        return 0;
    }
    return buffer_put(words, (const char *)start, from->at - start);
}

/* Read an atom that is no text and put it as SQLite gives it. */
static int
put_atom(Buffer *words, Span *from)
{
    static const struct {
        const char *json, *sql;
    } constants[] = {{"true", "1 "}, {"false", "0 "}, {"null", ""}};
    for (size_t index = 0; index < sizeof constants / sizeof *constants; index++) {
        Py_ssize_t length = (Py_ssize_t)strlen(constants[index].json);
        if (size_of(*from) >= length && memcmp(from->at, constants[index].json, (size_t)length) == 0) {
            from->at += length;
            return buffer_put(words, constants[index].sql, (Py_ssize_t)strlen(constants[index].sql));
        }
    }
    if (*from->at != '-' && (*from->at < '0' || *from->at > '9')) {
        return 0;
    }
    return put_number(words, from) && buffer_put(words, " ", 1);
}

static int
put_words(Buffer *words, Span json)
{
    char is_object[MAX_NESTING];
    int depth = 0, is_key = 0, is_uid = 0;
    while (json.at < json.end) {
        unsigned char byte = *json.at;
        if (byte == '"') {
            json.at++;
            Span text = {json.at, text_end(json)};
            if (text.end == NULL) {
                return 0;
            }
            json.at = text.end + 1;
            if (is_key) {
                is_uid = is_same(text, "log.record.uid");
                is_key = 0;
                continue;
            }
            if (!is_uid && (!put_unescaped(words, text) || !buffer_put(words, " ", 1))) {
                return 0;
            }
            is_uid = 0;
        } else if (byte == '{' || byte == '[') {
            if (depth == MAX_NESTING) {
                return 0;
            }
            is_object[depth++] = is_key = byte == '{';
            is_uid = 0;
            json.at++;
        } else if (byte == '}' || byte == ']') {
            if (depth-- == 0) {
                return 0;
            }
            is_key = 0;
            json.at++;
        } else if (byte == ',') {
            is_key = depth > 0 && is_object[depth - 1];
            json.at++;
        } else if (byte == ':') {
            json.at++;
        } else if (is_uid || !put_atom(words, &json)) {
            return 0;
        }
    }
    return depth == 0;
}

/* Give the words of attributes; NULL where they are left to SQLite. */
static PyObject *
words_of(PyObject *attributes)
{
    Py_ssize_t size;
    const char *text = PyUnicode_Check(attributes) ? PyUnicode_AsUTF8AndSize(attributes, &size) : NULL;
    PyObject *found = NULL;
    if (text != NULL) {
        Buffer buffer;
        Span json = {(const unsigned char *)text, (const unsigned char *)text + size};
        buffer_begin(&buffer);
        if (put_words(&buffer, json)) {
            found = PyUnicode_DecodeUTF8(buffer.data, buffer.length, NULL);
        }
        buffer_end(&buffer);
    }
    if (found == NULL) {
        PyErr_Clear();
    }
    return found;
}

static PyObject *
words(PyObject *Py_UNUSED(module), PyObject *attributes)
{
    PyObject *found = words_of(attributes);
    return found == NULL ? Py_NewRef(Py_None) : found;
}

/* -- rows to what SQLite takes -------------------------------------------------------------------------------------------- */

static int
is_row(PyObject *row)
{
    return PyTuple_Check(row) && PyTuple_GET_SIZE(row) == COLUMNS;
}

/* Give a tuple of these, which are taken over. */
static PyObject *
tuple_of(PyObject **columns, Py_ssize_t number)
{
    PyObject *made = PyTuple_New(number);
    for (Py_ssize_t index = 0; index < number; index++) {
        if (made == NULL) {
            Py_XDECREF(columns[index]);
        } else {
            PyTuple_SET_ITEM(made, index, columns[index]);
        }
    }
    if (made != NULL) {
        PyObject_GC_UnTrack(made);
    }
    return made;
}

static PyObject *
numbered_row(PyObject *row, long long id)
{
    PyObject *columns[COLUMNS + 1] = {PyLong_FromLongLong(id)};
    if (columns[0] == NULL) {
        return NULL;
    }
    for (int index = 0; index < COLUMNS; index++) {
        columns[index + 1] = Py_NewRef(PyTuple_GET_ITEM(row, index));
    }
    return tuple_of(columns, COLUMNS + 1);
}

static PyObject *
numbered(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long long id;
    PyObject *rows;
    if (!PyArg_ParseTuple(arguments, "LO!:numbered", &id, &PyList_Type, &rows)) {
        return NULL;
    }
    PyObject *found = PyList_New(0);
    for (Py_ssize_t index = 0; found != NULL && index < PyList_GET_SIZE(rows); index++) {
        PyObject *row = PyList_GET_ITEM(rows, index);
        if (!is_row(row)) {
            PyErr_SetString(PyExc_ValueError, "numbered() was given something else than rows");
            Py_CLEAR(found);
            break;
        }
        PyObject *made = numbered_row(row, id + index);
        if (made == NULL || PyList_Append(found, made) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(made);
    }
    return found;
}

static Py_ssize_t
characters_of(PyObject *text)
{
    return PyUnicode_Check(text) ? PyUnicode_GET_LENGTH(text) : 0;
}

/* Give what the search index takes of a row; NULL where it is left to SQLite. */
static PyObject *
entry_of(PyObject *row, long long id)
{
    static const int texts[] = {5 /* name */, 9 /* actor */, 10 /* service */, 8 /* body */};
    PyObject *columns[6] = {PyLong_FromLongLong(id)}, *found = words_of(PyTuple_GET_ITEM(row, 16));
    if (columns[0] == NULL || found == NULL) {
        Py_XDECREF(columns[0]);
        Py_XDECREF(found);
        return NULL;
    }
    for (int index = 0; index < 4; index++) {
        columns[index + 1] = Py_NewRef(PyTuple_GET_ITEM(row, texts[index]));
    }
    columns[5] = found;
    return tuple_of(columns, 6);
}

static PyObject *
entries(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long long id;
    PyObject *rows;
    Py_ssize_t max_attributes, max_characters, characters = 0;
    if (!PyArg_ParseTuple(
            arguments, "LO!nn:entries", &id, &PyList_Type, &rows, &max_attributes, &max_characters
        )) {
        return NULL;
    }
    PyObject *found = PyList_New(0);
    for (Py_ssize_t index = 0; found != NULL && index < PyList_GET_SIZE(rows); index++) {
        PyObject *row = PyList_GET_ITEM(rows, index), *made = NULL;
        if (is_row(row) && characters_of(PyTuple_GET_ITEM(row, 16)) <= max_attributes) {
            made = entry_of(row, id + index);
        }
        if (made != NULL) {
            characters += characters_of(PyTuple_GET_ITEM(made, 4)) + characters_of(PyTuple_GET_ITEM(made, 5));
        }
        if (made == NULL || characters > max_characters || PyList_Append(found, made) < 0) {
            PyErr_Clear();
            Py_CLEAR(found);
        }
        Py_XDECREF(made);
    }
    if (found == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    return Py_BuildValue("Nn", found, characters);
}

/* -- the module ----------------------------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"places", places, METH_VARARGS,
     "Give field 1 of a message, where each field 2 begins and ends, and how many fields there are; None to give up."},
    {"log_rows", log_rows, METH_VARARGS,
     "Give the rows of log records up to the first that is left to Python, and how many characters they have."},
    {"numbered", numbered, METH_VARARGS, "Give rows with ids that follow each other before their columns."},
    {"entries", entries, METH_VARARGS,
     "Give what the search index takes of rows, and how many characters that has; None to give up."},
    {"words", words, METH_O, "Give the words of attributes in JSON as `searched` does; None to give up."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_events.receiver.fast",
    .m_doc = "The commonest requests to rows, compiled.",
    .m_methods = methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit_fast(void)
{
    return PyModuleDef_Init(&module_definition);
}
