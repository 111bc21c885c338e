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
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "stamps.h"

#define STREAM_CHARACTERS 8
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

static void
write_uid(const Stamps *stamps, char *uid, int64_t now_ns, uint64_t number)
{
    write_base32(uid, (uint64_t)(now_ns / NANOSECONDS_IN_A_MILLISECOND), 10);
    memcpy(uid + 10, stamps->stream, STREAM_CHARACTERS);
    write_base32(uid + 18, number, 8);
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

/* Set `span` to a tuple of trace id, span id and flags, or leave it where there is no span; -1 with an exception. */
static int
find_span(const Stamps *stamps, PyObject **span)
{
    PyObject *context = PyObject_CallNoArgs(stamps->get_current);
    if (context == NULL) {
        return -1;
    }
    int has_content = PyObject_IsTrue(context);
    if (has_content > 0) {
        PyObject *found = PyObject_CallOneArg(stamps->span_of, context);
        if (found != NULL && PyTuple_CheckExact(found) && PyTuple_GET_SIZE(found) == 3) {
            *span = found;
        }
        else {
            if (found != NULL) {
                PyErr_SetString(PyExc_TypeError, "span_of gave no tuple of three");
            }
            Py_XDECREF(found);
            has_content = -1;
        }
    }
    Py_DECREF(context);
    return has_content < 0 ? -1 : 0;
}

/* -- the process --------------------------------------------------------------------------------------------------------- */

#ifdef MADV_WIPEONFORK
/* Its id, on a page that is empty in a child, whoever forks it off. To ask the kernel takes as long as to encode an event. */
static volatile long long *kept_pid;

static void
begin_to_keep_pid(void)
{
    if (kept_pid == NULL) {
        size_t size = (size_t)sysconf(_SC_PAGESIZE);
        void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0) {
            kept_pid = page;
        }
        else if (page != MAP_FAILED) {
            munmap(page, size);
        }
    }
}

static long long
process_id(void)
{
    if (kept_pid == NULL) {
        return (long long)getpid();
    }
    if (*kept_pid == 0) {
        *kept_pid = (long long)getpid();
    }
    return *kept_pid;
}
#else
static void
begin_to_keep_pid(void)
{
}

static long long
process_id(void)
{
    return (long long)getpid();
}
#endif

/* -- stamps -------------------------------------------------------------------------------------------------------------- */

static void
stamps_drop(DrawnStamp *drawn)
{
    Py_CLEAR(drawn->now);
    Py_CLEAR(drawn->span);
    Py_CLEAR(drawn->request);
}

static int
stamps_draw(PyObject *self, DrawnStamp *drawn)
{
    const Stamps *stamps = (Stamps *)self;
    if (process_id() != stamps->own_pid) {
        return 0;
    }
    drawn->span = drawn->request = NULL;
    drawn->pid = stamps->own_pid;
    drawn->now = PyObject_CallNoArgs(stamps->clock_ns);
    if (drawn->now == NULL) {
        return -1;
    }
    int overflow = 1;
    int64_t now_ns = PyLong_CheckExact(drawn->now) ? PyLong_AsLongLongAndOverflow(drawn->now, &overflow) : -1;
    if (overflow || now_ns < 0) {
        stamps_drop(drawn);
        return 0;
    }
    uint64_t number;
    if (find_span(stamps, &drawn->span) < 0 || (drawn->request = current_request(stamps)) == NULL
        || next_number(stamps, &number) < 0) {
        stamps_drop(drawn);
        return -1;
    }
    write_uid(stamps, drawn->uid, now_ns, number);
    StampFields *fields = &drawn->fields;
    fields->uid = drawn->uid;
    fields->uid_length = UID_CHARACTERS;
    fields->observed_ns = (uint64_t)now_ns;
    fields->trace_id = drawn->span == NULL ? NULL : PyTuple_GET_ITEM(drawn->span, 0);
    fields->span_id = drawn->span == NULL ? NULL : PyTuple_GET_ITEM(drawn->span, 1);
    fields->trace_flags = drawn->span == NULL ? NULL : PyTuple_GET_ITEM(drawn->span, 2);
    fields->request = drawn->request;
    return 1;
}

static PyObject *
stamps_as_object(PyObject *self, const DrawnStamp *drawn)
{
    const Stamps *stamps = (Stamps *)self;
    PyTypeObject *type = (PyTypeObject *)stamps->stamp_type;
    PyObject *uid = PyUnicode_New(UID_CHARACTERS, 127), *nothing = PyLong_FromLong(0);
    PyObject *stamp = uid == NULL || nothing == NULL ? NULL : type->tp_alloc(type, STAMP_FIELDS);
    if (stamp != NULL) {
#if PY_VERSION_HEX >= 0x030E0000
        ((PyTupleObject *)stamp)->ob_hash = -1; /* not known yet, as for every new tuple */
#endif
        memcpy(PyUnicode_1BYTE_DATA(uid), drawn->uid, UID_CHARACTERS);
        PyTuple_SET_ITEM(stamp, 0, Py_NewRef(uid));
        PyTuple_SET_ITEM(stamp, 1, Py_NewRef(drawn->now));
        for (Py_ssize_t index = 0; index < 3; index++) {
            PyTuple_SET_ITEM(stamp, 2 + index,
                             Py_NewRef(drawn->span == NULL ? nothing : PyTuple_GET_ITEM(drawn->span, index)));
        }
        PyTuple_SET_ITEM(stamp, 5, Py_NewRef(drawn->request));
        PyTuple_SET_ITEM(stamp, 6, Py_NewRef(stamps->pid));
    }
    Py_XDECREF(nothing);
    Py_XDECREF(uid);
    return stamp;
}

static PyObject *
stamps_call(PyObject *self, PyObject *const *Py_UNUSED(arguments), size_t flags, PyObject *names)
{
    const Stamps *stamps = (Stamps *)self;
    if (PyVectorcall_NARGS(flags) != 0 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "stamps take no arguments");
        return NULL;
    }
    DrawnStamp drawn;
    int done = stamps_draw(self, &drawn);
    if (done <= 0) {
        return done < 0 ? NULL : PyObject_CallNoArgs(stamps->python);
    }
    PyObject *stamp = stamps_as_object(self, &drawn);
    stamps_drop(&drawn);
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

/* Return a capsule with what other compiled modules call, also when this module is gone: objects that do may outlive all modules. */
static PyObject *
make_api(PyObject *type)
{
    static StampsApi api;
    api = (StampsApi){(PyTypeObject *)type, stamps_draw, stamps_as_object, stamps_drop};
    return PyCapsule_New(&api, STAMPS_API_NAME, NULL);
}

static int
module_exec(PyObject *module)
{
    begin_to_keep_pid();
    PyObject *type = PyType_FromSpec(&stamps_spec);
    if (type == NULL) {
        return -1;
    }
    PyObject *api = make_api(type);
    int added = api == NULL ? -1 : PyModule_AddObjectRef(module, "Stamps", type);
    if (added == 0) {
        added = PyModule_AddObjectRef(module, "api", api); /* which the type outlives, for it is in the module too */
    }
    Py_XDECREF(api);
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
