/* Stamping, compiled: what Stamper.stamp does in Python, for one stream of uids in the process to which it belongs.

   In another process, and with a time that is no sane one, the method in Python is called. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef _WIN32
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

#define STREAM_CHARACTERS 8
#define UID_CHARACTERS 26
#define STAMP_FIELDS 7
#define NO_PID (-1)
#define NANOSECONDS_IN_A_MILLISECOND 1000000

static const char ALPHABET[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's base 32 */

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *python;       /* callable: the same in Python */
    PyObject *stamp_type;   /* Stamp */
    PyObject *clock_ns;     /* callable */
    PyObject *get_current;  /* callable: OpenTelemetry's context */
    PyObject *span_of;      /* callable: a context's trace id, span id and flags, as a tuple */
    PyObject *surroundings; /* ContextVar whose value is a tuple of actor and request */
    PyObject *numbers;      /* iterator: counts within the stream; NULL before there is one, as is the next */
    PyObject *pid;          /* int */
    long long own_pid;      /* the same, or NO_PID */
    char stream[STREAM_CHARACTERS];
} Stamps;

static void
write_base32(char *to, uint64_t number, int characters)
{
    while (characters--) {
        to[characters] = ALPHABET[number & 31];
        number >>= 5;
    }
}

/* Return the next number of the stream, its low 64 bits; -1 with an exception. */
static int
next_number(const Stamps *stamps, uint64_t *number)
{
    PyObject *next = PyIter_Next(stamps->numbers);
    if (next == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_RuntimeError, "a stream has no more numbers");
        }
        return -1;
    }
    *number = PyLong_AsUnsignedLongLongMask(next);
    Py_DECREF(next);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *
uid_of(const Stamps *stamps, int64_t now_ns, uint64_t number)
{
    PyObject *uid = PyUnicode_New(UID_CHARACTERS, 127);
    if (uid != NULL) {
        char *text = (char *)PyUnicode_1BYTE_DATA(uid);
        write_base32(text, (uint64_t)(now_ns / NANOSECONDS_IN_A_MILLISECOND), 10);
        memcpy(text + 10, stamps->stream, STREAM_CHARACTERS);
        write_base32(text + 18, number, 8);
    }
    return uid;
}

/* Return the request of the surroundings, a new reference. */
static PyObject *
current_request(const Stamps *stamps)
{
    PyObject *surroundings = NULL, *request = NULL;
    if (PyContextVar_Get(stamps->surroundings, NULL, &surroundings) < 0) {
        return NULL;
    }
    if (surroundings != NULL && PyTuple_Check(surroundings) && PyTuple_GET_SIZE(surroundings) == 2) {
        request = PyTuple_GET_ITEM(surroundings, 1);
        Py_INCREF(request);
    }
    else {
        PyErr_SetString(PyExc_TypeError, "the surroundings are no pair of actor and request");
    }
    Py_XDECREF(surroundings);
    return request;
}

/* Return a tuple of trace id, span id and flags; None where there is no span. */
static PyObject *
current_span(const Stamps *stamps)
{
    PyObject *context = PyObject_CallNoArgs(stamps->get_current);
    if (context == NULL) {
        return NULL;
    }
    PyObject *span;
    int has_content = PyObject_IsTrue(context);
    if (has_content < 0) {
        span = NULL;
    }
    else if (has_content) {
        span = PyObject_CallOneArg(stamps->span_of, context);
        if (span != NULL && !(PyTuple_CheckExact(span) && PyTuple_GET_SIZE(span) == 3)) {
            Py_CLEAR(span);
            PyErr_SetString(PyExc_TypeError, "span_of gave no tuple of three");
        }
    }
    else {
        span = Py_NewRef(Py_None);
    }
    Py_DECREF(context);
    return span;
}

static PyObject *
make_stamp(const Stamps *stamps, PyObject *now, int64_t now_ns)
{
    PyObject *span = current_span(stamps);
    if (span == NULL) {
        return NULL;
    }
    uint64_t number;
    PyObject *request = current_request(stamps), *uid = NULL, *stamp = NULL, *nothing = NULL;
    if (request != NULL && next_number(stamps, &number) == 0) {
        uid = uid_of(stamps, now_ns, number);
        nothing = PyLong_FromLong(0);
        PyTypeObject *type = (PyTypeObject *)stamps->stamp_type;
        stamp = uid == NULL || nothing == NULL ? NULL : type->tp_alloc(type, STAMP_FIELDS);
    }
    if (stamp != NULL) {
        PyTuple_SET_ITEM(stamp, 0, Py_NewRef(uid));
        PyTuple_SET_ITEM(stamp, 1, Py_NewRef(now));
        for (Py_ssize_t index = 0; index < 3; index++) {
            PyTuple_SET_ITEM(stamp, 2 + index, Py_NewRef(span == Py_None ? nothing : PyTuple_GET_ITEM(span, index)));
        }
        PyTuple_SET_ITEM(stamp, 5, Py_NewRef(request));
        PyTuple_SET_ITEM(stamp, 6, Py_NewRef(stamps->pid));
    }
    Py_XDECREF(nothing);
    Py_XDECREF(uid);
    Py_XDECREF(request);
    Py_DECREF(span);
    return stamp;
}

static PyObject *
stamps_call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *names)
{
    const Stamps *stamps = (Stamps *)self;
    if (PyVectorcall_NARGS(flags) != 0 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "stamps take no arguments");
        return NULL;
    }
    if ((long long)getpid() != stamps->own_pid) {
        return PyObject_CallNoArgs(stamps->python);
    }
    PyObject *now = PyObject_CallNoArgs(stamps->clock_ns), *stamp = NULL;
    if (now == NULL) {
        return NULL;
    }
    int overflow = 1;
    int64_t now_ns = PyLong_CheckExact(now) ? PyLong_AsLongLongAndOverflow(now, &overflow) : -1;
    if (overflow || now_ns < 0) {
        stamp = PyObject_CallNoArgs(stamps->python);
    }
    else {
        stamp = make_stamp(stamps, now, now_ns);
    }
    Py_DECREF(now);
    return stamp;
}

#define FOR_EACH_MEMBER(DO) \
    DO(python) DO(stamp_type) DO(numbers) DO(clock_ns) DO(get_current) DO(span_of) DO(surroundings) DO(pid)

static int
stamps_traverse(Stamps *stamps, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(stamps));
#define VISIT(member) Py_VISIT(stamps->member);
    FOR_EACH_MEMBER(VISIT)
#undef VISIT
    return 0;
}

static void
stamps_dealloc(Stamps *stamps)
{
    PyTypeObject *type = Py_TYPE(stamps);
    PyObject_GC_UnTrack(stamps);
#define CLEAR(member) Py_CLEAR(stamps->member);
    FOR_EACH_MEMBER(CLEAR)
#undef CLEAR
    type->tp_free((PyObject *)stamps);
    Py_DECREF(type);
}

static PyObject *
stamps_begin(Stamps *stamps, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"numbers", "pid", "stream", NULL};
    PyObject *numbers, *pid;
    const char *stream;
    Py_ssize_t length;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO!s#:begin", names, &numbers, &PyLong_Type, &pid, &stream,
                                     &length)) {
        return NULL;
    }
    long long own_pid = PyLong_AsLongLong(pid);
    if (own_pid == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (length != STREAM_CHARACTERS || !PyIter_Check(numbers)) {
        PyErr_SetString(PyExc_ValueError, "a stream is a text of 8 characters and an iterator");
        return NULL;
    }
    memcpy(stamps->stream, stream, STREAM_CHARACTERS);
    stamps->own_pid = own_pid;
    Py_XSETREF(stamps->pid, Py_NewRef(pid));
    Py_XSETREF(stamps->numbers, Py_NewRef(numbers));
    Py_RETURN_NONE;
}

static PyObject *
stamps_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"python", "stamp_type", "clock_ns", "get_current", "span_of", "surroundings", NULL};
    PyObject *python, *stamp_type, *clock_ns, *get_current, *span_of, *surroundings;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO!OOOO!:Stamps", names, &python, &PyType_Type, &stamp_type,
                                     &clock_ns, &get_current, &span_of, &PyContextVar_Type, &surroundings)) {
        return NULL;
    }
    if (!PyType_IsSubtype((PyTypeObject *)stamp_type, &PyTuple_Type)) {
        PyErr_SetString(PyExc_ValueError, "a stamp is a tuple");
        return NULL;
    }
    Stamps *stamps = (Stamps *)type->tp_alloc(type, 0);
    if (stamps == NULL) {
        return NULL;
    }
    stamps->vectorcall = stamps_call;
    stamps->own_pid = NO_PID;
    stamps->python = Py_NewRef(python);
    stamps->stamp_type = Py_NewRef(stamp_type);
    stamps->clock_ns = Py_NewRef(clock_ns);
    stamps->get_current = Py_NewRef(get_current);
    stamps->span_of = Py_NewRef(span_of);
    stamps->surroundings = Py_NewRef(surroundings);
    return (PyObject *)stamps;
}

static PyMethodDef stamps_methods[] = {
    {"begin", (PyCFunction)(void (*)(void))stamps_begin, METH_VARARGS | METH_KEYWORDS,
     "Stamp the events of another stream, in the process to which that belongs."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef stamps_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Stamps, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot stamps_slots[] = {
    {Py_tp_doc, "Stamps the events of one stream in one process: stamps() -> Stamp."},
    {Py_tp_new, stamps_new},
    {Py_tp_dealloc, stamps_dealloc},
    {Py_tp_traverse, stamps_traverse},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, stamps_members},
    {Py_tp_methods, stamps_methods},
    {0, NULL},
};

static PyType_Spec stamps_spec = {
    .name = "otel_events.stamps.Stamps",
    .basicsize = sizeof(Stamps),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = stamps_slots,
};

static int
module_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&stamps_spec);
    if (type == NULL) {
        return -1;
    }
    int added = PyModule_AddObjectRef(module, "Stamps", type);
    Py_DECREF(type);
    return added;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_events.stamps",
    .m_doc = "Stamping, compiled.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit_stamps(void)
{
    return PyModuleDef_Init(&module_definition);
}
