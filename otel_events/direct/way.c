/* The straight way from an event to its bytes, compiled: what straight.py writes out as Python code, for the commonest values.

   A Way gives up where something is less common, or raises, and calls the function that stands in Python; what it gives itself
   equals that function's result, byte for byte. It holds strong references to all it reads while it reads it, and every length is
   checked before anything is copied. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>
#include <structmember.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "way.h"

#define MAX_FIELDS 90
#define FIRST_ROOM 1024
#define VARINT_ROOM 10
#define DOUBLE_ROOM 32
#define NANOSECONDS 1000000000ULL
#define FIRST_YEAR 1970
#define LAST_YEAR 2261 /* the last one that is whole in 63 bits of nanoseconds */

/* What a piece of a message stands for, where it is no field. */
enum { NOTHING = -1, WHO = -2 };

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

/* Make room for so many bytes more; 0 where there is no memory. */
static int
buffer_reserve(Buffer *buffer, Py_ssize_t more)
{
    if (more <= buffer->room - buffer->length) {
        return 1;
    }
    if (more > PY_SSIZE_T_MAX / 4 - buffer->length) {
        return 0;
    }
    Py_ssize_t room = 2 * (buffer->length + more);
    char *data = PyMem_Malloc((size_t)room);
    if (data == NULL) {
        return 0;
    }
    memcpy(data, buffer->data, (size_t)buffer->length);
    buffer_end(buffer);
    buffer->data = data;
    buffer->room = room;
    return 1;
}

static int
buffer_put(Buffer *buffer, const char *data, Py_ssize_t length)
{
    if (!buffer_reserve(buffer, length)) {
        return 0;
    }
    memcpy(buffer->data + buffer->length, data, (size_t)length);
    buffer->length += length;
    return 1;
}

static int
buffer_put_bytes(Buffer *buffer, PyObject *bytes)
{
    return buffer_put(buffer, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
}

/* -- protobuf's wire format ------------------------------------------------------------------------------------------------ */

static Py_ssize_t
varint_length(uint64_t number)
{
    Py_ssize_t length = 1;
    while (number > 127) {
        number >>= 7;
        length++;
    }
    return length;
}

static char *
write_varint(char *to, uint64_t number)
{
    while (number > 127) {
        *to++ = (char)((number & 127) | 128);
        number >>= 7;
    }
    *to++ = (char)number;
    return to;
}

static char *
write_fixed64(char *to, uint64_t number)
{
    for (int index = 0; index < 8; index++) {
        *to++ = (char)(number >> (8 * index));
    }
    return to;
}

static char *
write_data(char *to, const char *data, Py_ssize_t length)
{
    memcpy(to, data, (size_t)length);
    return to + length;
}

/* Write LogRecord.attributes up to the value: its tag and length, the key, the tag and length of the value. */
static int
put_attribute_head(Buffer *buffer, PyObject *head, Py_ssize_t value_length)
{
    Py_ssize_t head_length = PyBytes_GET_SIZE(head);
    if (!buffer_reserve(buffer, 1 + 2 * VARINT_ROOM + head_length + value_length)) {
        return 0;
    }
    char *to = buffer->data + buffer->length;
    *to++ = 0x32;
    to = write_varint(to, (uint64_t)(head_length + varint_length((uint64_t)value_length) + value_length));
    to = write_data(to, PyBytes_AS_STRING(head), head_length);
    to = write_varint(to, (uint64_t)value_length);
    buffer->length = to - buffer->data;
    return 1;
}

static int
put_text_attribute(Buffer *buffer, PyObject *head, const char *text, Py_ssize_t length)
{
    Py_ssize_t value_length = 1 + varint_length((uint64_t)length) + length;
    if (!put_attribute_head(buffer, head, value_length)) {
        return 0;
    }
    char *to = buffer->data + buffer->length;
    *to++ = 0x0a; /* AnyValue.string_value */
    to = write_varint(to, (uint64_t)length);
    to = write_data(to, text, length);
    buffer->length = to - buffer->data;
    return 1;
}

static int
put_number_attribute(Buffer *buffer, PyObject *head, long long number)
{
    Py_ssize_t value_length = 1 + varint_length((uint64_t)number);
    if (!put_attribute_head(buffer, head, value_length)) {
        return 0;
    }
    char *to = buffer->data + buffer->length;
    *to++ = 0x18; /* AnyValue.int_value, in two's complement */
    to = write_varint(to, (uint64_t)number);
    buffer->length = to - buffer->data;
    return 1;
}

static int
put_double_attribute(Buffer *buffer, PyObject *head, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (!put_attribute_head(buffer, head, 9)) {
        return 0;
    }
    char *to = buffer->data + buffer->length;
    *to++ = 0x21; /* AnyValue.double_value */
    to = write_fixed64(to, bits);
    buffer->length = to - buffer->data;
    return 1;
}

static int
put_bool_attribute(Buffer *buffer, PyObject *head, int value)
{
    if (!put_attribute_head(buffer, head, 2)) {
        return 0;
    }
    buffer->data[buffer->length++] = 0x10; /* AnyValue.bool_value */
    buffer->data[buffer->length++] = (char)value;
    return 1;
}

/* -- what is read of an event ------------------------------------------------------------------------------------------------ */

#define EACH_BYTE(value) (0x0101010101010101ULL * (value))

static int
is_printable_ascii(const Py_UCS1 *data, Py_ssize_t length)
{
    uint64_t bad = 0;
    for (; length >= 8; data += 8, length -= 8) {
        uint64_t eight;
        memcpy(&eight, data, 8);
        /* ASCII has no high bits: those appear in what is below a space, less a space, and in 0x7f, plus one. What one byte
           borrows from the next it borrows only when it is bad itself. */
        bad |= (eight - EACH_BYTE(0x20)) | (eight + EACH_BYTE(1));
    }
    for (; length; data++, length--) {
        bad |= (uint64_t)(*data < 0x20 || *data > 0x7e) << 7;
    }
    return !(bad & EACH_BYTE(0x80));
}

static int
is_printable(PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_IS_ASCII(text)) {
        return is_printable_ascii(PyUnicode_1BYTE_DATA(text), length);
    }
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    for (Py_ssize_t index = 0; index < length; index++) {
        if (!Py_UNICODE_ISPRINTABLE(PyUnicode_READ(kind, data, index))) {
            return 0;
        }
    }
    return 1;
}

/* Nanoseconds since 1970 of a datetime whose time zone is UTC itself; 0 where it is no such, or out of range. */
static int
nanoseconds_of(PyObject *moment, uint64_t *ns)
{
    if (!PyDateTime_CheckExact(moment) || PyDateTime_DATE_GET_TZINFO(moment) != PyDateTime_TimeZone_UTC) {
        return 0;
    }
    int year = PyDateTime_GET_YEAR(moment);
    if (year < FIRST_YEAR || year > LAST_YEAR) {
        return 0;
    }
    int month = PyDateTime_GET_MONTH(moment);
    /* Years that begin in March end with the leap day; each 5 of their months have 153 days. */
    int64_t years = year - (month <= 2);
    int64_t days = 365 * years + years / 4 - years / 100 + years / 400 + (153 * ((month + 9) % 12) + 2) / 5
                   + PyDateTime_GET_DAY(moment) - 1 - 719468;
    uint64_t seconds = (uint64_t)days * 86400 + (uint64_t)PyDateTime_DATE_GET_HOUR(moment) * 3600
                       + (uint64_t)PyDateTime_DATE_GET_MINUTE(moment) * 60 + (uint64_t)PyDateTime_DATE_GET_SECOND(moment);
    *ns = seconds * NANOSECONDS + (uint64_t)PyDateTime_DATE_GET_MICROSECOND(moment) * 1000;
    return 1;
}

/* -- the way of a class ------------------------------------------------------------------------------------------------------ */

typedef struct {
    PyObject *name;       /* str: the attribute of the event */
    PyObject *head;       /* bytes: the key in an attribute, and the tag of its value */
    PyObject *label;      /* bytes: stands before the value in the line */
    PyObject *nothing;    /* bytes: stands in the line for None */
    PyObject *constant;   /* bytes: the attribute of a field that is not read; NULL where it is */
    PyObject *other;      /* callable: writes values of less common types */
} Field;

typedef struct {
    PyObject *literal;    /* bytes */
    Py_ssize_t meaning;   /* what comes after it: the index of a field, or one of the enum */
} Piece;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *python;        /* callable: the same in Python */
    PyObject *people;        /* dict: acting by id */
    PyObject *somebody;      /* callable: acting of any actor */
    PyObject *write_request; /* callable */
    PyObject *taken;         /* frozenset: its second argument */
    PyObject *span_context;  /* callable */
    PyObject *before;        /* bytes: severity and name of the event */
    PyObject *uid_head;      /* bytes: as a field's head */
    PyObject *version;       /* bytes: an attribute, or nothing */
    PyObject *title;         /* bytes: begins a line that has no message */
    Py_ssize_t max_characters;
    Py_ssize_t field_count;
    Py_ssize_t piece_count;  /* 0 for a line without a message */
    Field *fields;
    Piece *pieces;
} Way;

static PyObject *s_actor, *s_created, *s_id;

/* What is under way for one event. */
typedef struct {
    Buffer attributes, texts;
    Py_ssize_t ends[MAX_FIELDS + 1]; /* the text of field N ends at ends[N + 1] */
    PyObject *created, *actor, *acting, *around, *context;
} Work;

/* Write what a callable for less common values gives: attribute and text. */
static int
put_other(Work *work, const Field *field, PyObject *value)
{
    PyObject *written = PyObject_CallOneArg(field->other, value);
    if (written == NULL) {
        return 0;
    }
    int done = 0;
    if (PyTuple_CheckExact(written) && PyTuple_GET_SIZE(written) == 2) {
        PyObject *attribute = PyTuple_GET_ITEM(written, 0), *text = PyTuple_GET_ITEM(written, 1);
        if (PyBytes_CheckExact(attribute) && PyUnicode_CheckExact(text) && is_printable(text)) {
            Py_ssize_t length;
            const char *data = PyUnicode_AsUTF8AndSize(text, &length);
            done = data != NULL && buffer_put_bytes(&work->attributes, attribute)
                   && buffer_put(&work->texts, data, length);
        }
    }
    Py_DECREF(written);
    return done;
}

static int
put_decimal(Buffer *buffer, long long number)
{
    char text[24], *begin = text + sizeof text;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        *--begin = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (number < 0) {
        *--begin = '-';
    }
    return buffer_put(buffer, begin, text + sizeof text - begin);
}

/* Write a number that has few digits behind its point, as `repr` has it: a number of at most 15 digits in all is the only one so
   short that reads as its double, and it does where the division, which rounds as reading does, gives that double. Return the
   length; 0 where it is no such number. */
static Py_ssize_t
short_double(char *text, double number)
{
    double size = number < 0 ? -number : number, scale = 1.0;
    if (!(size >= 1e-3 && size < 1e11)) {
        return 0;
    }
    for (int digits = 0; digits <= 4; digits++, scale *= 10.0) {
        uint64_t left = (uint64_t)(size * scale + 0.5); /* of at most 15 digits, which a double has exactly */
        if ((double)left / scale == size) {
            char *end = text + DOUBLE_ROOM, *to = end;
            if (digits == 0) {
                *--to = '0';
                *--to = '.';
            }
            for (int done = 0; left || done <= digits; done++) {
                if (digits && done == digits) {
                    *--to = '.';
                }
                *--to = (char)('0' + left % 10);
                left /= 10;
            }
            if (number < 0) {
                *--to = '-';
            }
            memmove(text, to, (size_t)(end - to));
            return end - to;
        }
    }
    return 0;
}

static int
put_double(Buffer *buffer, double number)
{
    char text[DOUBLE_ROOM];
    Py_ssize_t length = short_double(text, number);
    if (length) {
        return buffer_put(buffer, text, length);
    }
    char *longer = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    int done = longer != NULL && buffer_put(buffer, longer, (Py_ssize_t)strlen(longer));
    PyMem_Free(longer);
    return done;
}

static int
put_value(const Way *way, Work *work, const Field *field, PyObject *value)
{
    Buffer *attributes = &work->attributes, *texts = &work->texts;
    if (PyUnicode_CheckExact(value)) {
        Py_ssize_t length;
        if (PyUnicode_GET_LENGTH(value) > way->max_characters || !is_printable(value)) {
            return 0;
        }
        const char *data = PyUnicode_AsUTF8AndSize(value, &length);
        return data != NULL && put_text_attribute(attributes, field->head, data, length)
               && buffer_put_bytes(texts, field->label) && buffer_put(texts, data, length);
    }
    if (value == Py_None) {
        return buffer_put_bytes(texts, field->nothing);
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow || (number == -1 && PyErr_Occurred())) {
            return 0;
        }
        return put_number_attribute(attributes, field->head, number) && buffer_put_bytes(texts, field->label)
               && put_decimal(texts, number);
    }
    if (PyBool_Check(value)) {
        int truth = value == Py_True;
        return put_bool_attribute(attributes, field->head, truth) && buffer_put_bytes(texts, field->label)
               && (truth ? buffer_put(texts, "true", 4) : buffer_put(texts, "false", 5));
    }
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        return put_double_attribute(attributes, field->head, number) && buffer_put_bytes(texts, field->label)
               && put_double(texts, number);
    }
    return put_other(work, field, value);
}

static int
put_fields(const Way *way, Work *work, PyObject *event)
{
    work->ends[0] = 0;
    for (Py_ssize_t index = 0; index < way->field_count; index++) {
        const Field *field = &way->fields[index];
        int done;
        if (field->constant != NULL) {
            done = buffer_put_bytes(&work->attributes, field->constant) && buffer_put_bytes(&work->texts, field->label);
        }
        else {
            PyObject *value = PyObject_GetAttr(event, field->name);
            done = value != NULL && put_value(way, work, field, value);
            Py_XDECREF(value);
        }
        if (!done) {
            return 0;
        }
        work->ends[index + 1] = work->texts.length;
    }
    return 1;
}

/* Set `acting`: the attributes of the actor, what the line calls it or None, and the line's " by ...". */
static int
find_acting(const Way *way, Work *work)
{
    PyObject *actor = work->actor;
    if (PyDict_CheckExact(actor) && PyDict_GET_SIZE(actor) == 1) {
        PyObject *id = PyDict_GetItemWithError(actor, s_id);
        if (id == NULL || !PyUnicode_CheckExact(id)) {
            return 0;
        }
        work->acting = PyDict_GetItemWithError(way->people, id);
        if (work->acting == NULL) {
            return 0; /* The function in Python adds it. */
        }
        Py_INCREF(work->acting);
    }
    else {
        work->acting = PyObject_CallOneArg(way->somebody, actor);
        if (work->acting == NULL) {
            return 0;
        }
    }
    return PyTuple_CheckExact(work->acting) && PyTuple_GET_SIZE(work->acting) == 3
           && PyBytes_CheckExact(PyTuple_GET_ITEM(work->acting, 0))
           && (PyTuple_GET_ITEM(work->acting, 1) == Py_None || PyUnicode_CheckExact(PyTuple_GET_ITEM(work->acting, 1)))
           && PyUnicode_CheckExact(PyTuple_GET_ITEM(work->acting, 2));
}

static int
put_text(Buffer *buffer, PyObject *text)
{
    Py_ssize_t length;
    const char *data = PyUnicode_AsUTF8AndSize(text, &length);
    return data != NULL && buffer_put(buffer, data, length);
}

/* Compose the readable line. */
static int
put_line(const Way *way, const Work *work, Buffer *line)
{
    PyObject *who = PyTuple_GET_ITEM(work->acting, 1);
    if (way->piece_count == 0) {
        PyObject *by = PyTuple_GET_ITEM(work->acting, 2);
        if (!buffer_put_bytes(line, way->title) || !put_text(line, by)) {
            return 0;
        }
        return work->texts.length == 0
               || (buffer_put(line, ":", 1) && buffer_put(line, work->texts.data, work->texts.length));
    }
    for (Py_ssize_t index = 0; index < way->piece_count; index++) {
        const Piece *piece = &way->pieces[index];
        int done = buffer_put_bytes(line, piece->literal);
        if (done && piece->meaning >= 0) {
            Py_ssize_t begin = work->ends[piece->meaning];
            done = buffer_put(line, work->texts.data + begin, work->ends[piece->meaning + 1] - begin);
        }
        else if (done && piece->meaning == WHO) {
            done = who == Py_None || PyUnicode_GET_LENGTH(who) == 0 ? buffer_put(line, "anonymous", 9) : put_text(line, who);
        }
        if (!done) {
            return 0;
        }
    }
    return 1;
}

static int
is_nothing(PyObject *number)
{
    return number == NULL ? 1 : PyObject_Not(number);
}

/* Set `around` and `context`: the attributes of the request, and the fields of the span; NULL for none. */
static int
find_circumstances(const Way *way, Work *work, const StampFields *stamp)
{
    int no_request = PyObject_Not(stamp->request);
    if (no_request < 0) {
        return 0;
    }
    if (!no_request) {
        work->around = PyObject_CallFunctionObjArgs(way->write_request, stamp->request, way->taken, NULL);
        if (work->around == NULL || !PyBytes_CheckExact(work->around)) {
            return 0;
        }
    }
    int no_trace = is_nothing(stamp->trace_id), no_span = is_nothing(stamp->span_id);
    int no_flags = is_nothing(stamp->trace_flags);
    if (no_trace < 0 || no_span < 0 || no_flags < 0) {
        return 0;
    }
    if (!no_trace || !no_span || !no_flags) {
        work->context = PyObject_CallFunctionObjArgs(way->span_context, stamp->trace_id, stamp->span_id,
                                                     stamp->trace_flags, NULL);
        return work->context != NULL && PyBytes_CheckExact(work->context);
    }
    return 1;
}

static PyObject *
assemble(const Way *way, const Work *work, const Buffer *line, uint64_t created_ns, const StampFields *stamp)
{
    PyObject *acting = PyTuple_GET_ITEM(work->acting, 0);
    Py_ssize_t body_length = 1 + varint_length((uint64_t)line->length) + line->length;
    Buffer uid_attribute;
    buffer_begin(&uid_attribute);
    PyObject *record = NULL;
    if (stamp->uid_length == 0 || put_text_attribute(&uid_attribute, way->uid_head, stamp->uid, stamp->uid_length)) {
        Py_ssize_t length = PyBytes_GET_SIZE(way->before) + 18 + 1 + varint_length((uint64_t)body_length) + body_length
                            + uid_attribute.length + PyBytes_GET_SIZE(way->version) + PyBytes_GET_SIZE(acting)
                            + (work->around ? PyBytes_GET_SIZE(work->around) : 0)
                            + (work->context ? PyBytes_GET_SIZE(work->context) : 0) + work->attributes.length;
        record = PyBytes_FromStringAndSize(NULL, 1 + varint_length((uint64_t)length) + length);
        if (record != NULL) {
            char *to = PyBytes_AS_STRING(record);
            *to++ = 0x12; /* ScopeLogs.log_records */
            to = write_varint(to, (uint64_t)length);
            to = write_data(to, PyBytes_AS_STRING(way->before), PyBytes_GET_SIZE(way->before));
            *to++ = 0x09; /* LogRecord.time_unix_nano */
            to = write_fixed64(to, created_ns);
            *to++ = 0x59; /* LogRecord.observed_time_unix_nano */
            to = write_fixed64(to, stamp->observed_ns);
            *to++ = 0x2a; /* LogRecord.body */
            to = write_varint(to, (uint64_t)body_length);
            *to++ = 0x0a; /* AnyValue.string_value */
            to = write_varint(to, (uint64_t)line->length);
            to = write_data(to, line->data, line->length);
            to = write_data(to, uid_attribute.data, uid_attribute.length);
            to = write_data(to, PyBytes_AS_STRING(way->version), PyBytes_GET_SIZE(way->version));
            to = write_data(to, PyBytes_AS_STRING(acting), PyBytes_GET_SIZE(acting));
            if (work->around) {
                to = write_data(to, PyBytes_AS_STRING(work->around), PyBytes_GET_SIZE(work->around));
            }
            if (work->context) {
                to = write_data(to, PyBytes_AS_STRING(work->context), PyBytes_GET_SIZE(work->context));
            }
            write_data(to, work->attributes.data, work->attributes.length);
        }
    }
    buffer_end(&uid_attribute);
    return record;
}

/* Encode an event; NULL where it is left to Python, with or without an exception set. */
static PyObject *
try_to_encode(const Way *way, Work *work, PyObject *event, const StampFields *stamp)
{
    uint64_t created_ns;
    work->created = PyObject_GetAttr(event, s_created);
    if (work->created == NULL || !nanoseconds_of(work->created, &created_ns)) {
        return NULL;
    }
    work->actor = PyObject_GetAttr(event, s_actor);
    if (work->actor == NULL || !find_acting(way, work) || !put_fields(way, work, event)
        || !find_circumstances(way, work, stamp)) {
        return NULL;
    }
    Buffer line;
    buffer_begin(&line);
    PyObject *record = NULL;
    if (put_line(way, work, &line) && line.length <= way->max_characters) {
        record = assemble(way, work, &line, created_ns, stamp);
    }
    buffer_end(&line);
    return record;
}

/* Clear an exception which means that an event is left to Python; 0 for one that is not about the event, such as
   KeyboardInterrupt. */
static int
leave_to_python(void)
{
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) {
            return 0;
        }
        PyErr_Clear();
    }
    return 1;
}

static PyObject *
way_encode(PyObject *self, PyObject *event, const StampFields *stamp)
{
    Work work;
    buffer_begin(&work.attributes);
    buffer_begin(&work.texts);
    work.created = work.actor = work.acting = work.around = work.context = NULL;
    PyObject *record = try_to_encode((Way *)self, &work, event, stamp);
    buffer_end(&work.attributes);
    buffer_end(&work.texts);
    Py_XDECREF(work.created);
    Py_XDECREF(work.actor);
    Py_XDECREF(work.acting);
    Py_XDECREF(work.around);
    Py_XDECREF(work.context);
    if (record == NULL) {
        leave_to_python();
    }
    return record;
}

static PyObject *
way_encode_in_python(PyObject *self, PyObject *event, PyObject *stamp)
{
    PyObject *arguments[] = {event, stamp};
    return PyObject_Vectorcall(((Way *)self)->python, arguments, 2, NULL);
}

/* Read a stamp; 0 where it is left to Python, with or without an exception set. */
static int
read_stamp(PyObject *stamp, StampFields *fields)
{
    if (!PyTuple_Check(stamp) || PyTuple_GET_SIZE(stamp) < 6 || !PyUnicode_CheckExact(PyTuple_GET_ITEM(stamp, 0))
        || !PyLong_CheckExact(PyTuple_GET_ITEM(stamp, 1))) {
        return 0;
    }
    fields->uid = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(stamp, 0), &fields->uid_length);
    fields->observed_ns = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(stamp, 1));
    fields->trace_id = PyTuple_GET_ITEM(stamp, 2);
    fields->span_id = PyTuple_GET_ITEM(stamp, 3);
    fields->trace_flags = PyTuple_GET_ITEM(stamp, 4);
    fields->request = PyTuple_GET_ITEM(stamp, 5);
    return fields->uid != NULL && !PyErr_Occurred();
}

static PyObject *
way_call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *names)
{
    if (PyVectorcall_NARGS(flags) != 2 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "a way takes two arguments: an event and its stamp");
        return NULL;
    }
    StampFields fields;
    if (read_stamp(arguments[1], &fields)) {
        PyObject *record = way_encode(self, arguments[0], &fields);
        if (record != NULL || PyErr_Occurred()) {
            return record;
        }
    }
    else if (!leave_to_python()) {
        return NULL;
    }
    return way_encode_in_python(self, arguments[0], arguments[1]);
}

/* -- making one ---------------------------------------------------------------------------------------------------------------- */

/* Each is a member that holds a reference, in the order of the arguments. */
#define FOR_EACH_MEMBER(DO) \
    DO(python) DO(people) DO(somebody) DO(write_request) DO(taken) DO(span_context) DO(before) DO(uid_head) DO(version) DO(title)

static int
way_traverse(Way *way, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(way));
#define VISIT(member) Py_VISIT(way->member);
    FOR_EACH_MEMBER(VISIT)
#undef VISIT
    for (Py_ssize_t index = 0; index < way->field_count; index++) {
        Py_VISIT(way->fields[index].other);
    }
    return 0;
}

static int
way_clear(Way *way)
{
    /* The function in Python stays until the end: a cleared way may still be called. */
    for (Py_ssize_t index = 0; index < way->field_count; index++) {
        Field *field = &way->fields[index];
        Py_CLEAR(field->name);
        Py_CLEAR(field->head);
        Py_CLEAR(field->label);
        Py_CLEAR(field->nothing);
        Py_CLEAR(field->constant);
        Py_CLEAR(field->other);
    }
    for (Py_ssize_t index = 0; index < way->piece_count; index++) {
        Py_CLEAR(way->pieces[index].literal);
    }
    way->field_count = way->piece_count = 0;
    return 0;
}

static void
way_dealloc(Way *way)
{
    PyTypeObject *type = Py_TYPE(way);
    PyObject_GC_UnTrack(way);
    way_clear(way);
#define CLEAR(member) Py_CLEAR(way->member);
    FOR_EACH_MEMBER(CLEAR)
#undef CLEAR
    PyMem_Free(way->fields);
    PyMem_Free(way->pieces);
    type->tp_free((PyObject *)way);
    Py_DECREF(type);
}

static int
take_fields(Way *way, PyObject *fields)
{
    Py_ssize_t count = PyTuple_GET_SIZE(fields);
    if (count > MAX_FIELDS) {
        PyErr_Format(PyExc_ValueError, "%zd fields; a way takes %d", count, MAX_FIELDS);
        return 0;
    }
    way->fields = PyMem_Calloc((size_t)count + 1, sizeof(Field));
    if (way->fields == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        Field *field = &way->fields[index];
        PyObject *constant;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(fields, index), "USSSOO:field", &field->name, &field->head, &field->label,
                              &field->nothing, &constant, &field->other)) {
            memset(field, 0, sizeof *field);
            return 0;
        }
        field->constant = constant == Py_None ? NULL : constant;
        Py_INCREF(field->name);
        Py_INCREF(field->head);
        Py_INCREF(field->label);
        Py_INCREF(field->nothing);
        Py_XINCREF(field->constant);
        Py_INCREF(field->other);
        way->field_count = index + 1;
        if (field->constant != NULL && !PyBytes_CheckExact(field->constant)) {
            PyErr_SetString(PyExc_TypeError, "the constant attribute of a field is not bytes");
            return 0;
        }
        PyUnicode_InternInPlace(&field->name);
    }
    return 1;
}

static int
take_pieces(Way *way, PyObject *pieces)
{
    Py_ssize_t count = PyTuple_GET_SIZE(pieces);
    way->pieces = PyMem_Calloc((size_t)count + 1, sizeof(Piece));
    if (way->pieces == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        Piece *piece = &way->pieces[index];
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pieces, index), "Sn:piece", &piece->literal, &piece->meaning)) {
            piece->literal = NULL;
            return 0;
        }
        Py_INCREF(piece->literal);
        way->piece_count = index + 1;
        if (piece->meaning < WHO || piece->meaning >= way->field_count) {
            PyErr_Format(PyExc_ValueError, "a piece stands for %zd, which is no field", piece->meaning);
            return 0;
        }
    }
    return 1;
}

static PyObject *
way_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"python", "people", "somebody", "write_request", "taken", "span_context", "before",
                            "uid_head", "version", "title", "fields", "pieces", "max_characters", NULL};
    PyObject *fields, *pieces;
    Way *way = (Way *)type->tp_alloc(type, 0);
    if (way == NULL) {
        return NULL;
    }
    way->vectorcall = way_call;
    int parsed = PyArg_ParseTupleAndKeywords(
        arguments, keywords, "OO!OOOOSSSSO!O!n:Way", names, &way->python, &PyDict_Type, &way->people, &way->somebody,
        &way->write_request, &way->taken, &way->span_context, &way->before, &way->uid_head, &way->version, &way->title,
        &PyTuple_Type, &fields, &PyTuple_Type, &pieces, &way->max_characters);
    if (!parsed) {
        /* What was parsed so far is borrowed. */
#define FORGET(member) way->member = NULL;
        FOR_EACH_MEMBER(FORGET)
#undef FORGET
        Py_DECREF(way);
        return NULL;
    }
#define KEEP(member) Py_INCREF(way->member);
    FOR_EACH_MEMBER(KEEP)
#undef KEEP
    if (!take_fields(way, fields) || !take_pieces(way, pieces)) {
        Py_DECREF(way);
        return NULL;
    }
    return (PyObject *)way;
}

static PyMemberDef way_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Way, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot way_slots[] = {
    {Py_tp_doc, "Encodes the events of one class: way(event, stamp) -> bytes."},
    {Py_tp_new, way_new},
    {Py_tp_dealloc, way_dealloc},
    {Py_tp_traverse, way_traverse},
    {Py_tp_clear, way_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, way_members},
    {0, NULL},
};

static PyType_Spec way_spec = {
    .name = "otel_events.direct.way.Way",
    .basicsize = sizeof(Way),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = way_slots,
};

/* Return a capsule with what other compiled modules call, as stamps.c does. */
static PyObject *
make_api(PyObject *type)
{
    static WayApi api;
    api = (WayApi){(PyTypeObject *)type, way_encode, way_encode_in_python};
    return PyCapsule_New(&api, WAY_API_NAME, NULL);
}

static int
module_exec(PyObject *module)
{
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == NULL) {
        return -1;
    }
    if ((s_actor == NULL && (s_actor = PyUnicode_InternFromString("actor")) == NULL)
        || (s_created == NULL && (s_created = PyUnicode_InternFromString("created")) == NULL)
        || (s_id == NULL && (s_id = PyUnicode_InternFromString("id")) == NULL)) {
        return -1;
    }
    PyObject *type = PyType_FromSpec(&way_spec);
    if (type == NULL) {
        return -1;
    }
    PyObject *api = make_api(type);
    int added = api == NULL ? -1 : PyModule_AddObjectRef(module, "Way", type);
    if (added == 0) {
        added = PyModule_AddObjectRef(module, "api", api);
    }
    Py_XDECREF(api);
    Py_DECREF(type);
    return added;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* it has static strings */
#endif
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_events.direct.way",
    .m_doc = "The straight way from an event to its bytes, compiled.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit_way(void)
{
    return PyModuleDef_Init(&module_definition);
}
