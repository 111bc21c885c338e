/* The way into the queue in memory and into the journal, compiled: what DirectPipeline.accept does for the classes it knows, and what
   stamping does before it.

   For other classes, in another process, and where something fails, the function in Python is called. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>
#include <string.h>

#include "../stamps.h"
#include "way.h"

#define PID_IN_STAMP 6
#define NO_PID (-1)

static const StampsApi *stamps_api;
static const WayApi *way_api;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *python; /* callable: the same in Python */
    PyObject *stamps; /* Stamps: stamps the events that come without a stamp; NULL where stamping is not compiled */
    PyObject *ways;   /* dict: encodes the events of a class; whoever made this adds to it, and empties it at the end */
    PyObject *journaled; /* dict: of a class whose events go into the journal a tuple of what encodes them, what makes a receipt,
                            and two as the next, for both; filled and emptied likewise */
    PyObject *append; /* callable: puts a record into the ring; True where nothing more is to be done */
    PyObject *attend; /* callable: does what is to be done otherwise, with the record and what append has said */
    long long pid;    /* of the process to whose ring that belongs; NO_PID before there is one */
} Intake;

/* An event with its stamp, which is an object, or drawn, or both. */
typedef struct {
    PyObject *event;
    PyObject *stamp; /* Stamp; NULL while nobody needs one */
    DrawnStamp drawn;
    int is_drawn, owns_stamp;
} Stamped;

/* Return the stamp as an object, which is borrowed. */
static PyObject *
stamp_of(const Intake *intake, Stamped *stamped)
{
    if (stamped->stamp == NULL) {
        stamped->stamp = stamps_api->as_object(intake->stamps, &stamped->drawn);
        stamped->owns_stamp = 1;
    }
    return stamped->stamp;
}

static PyObject *
encode(const Intake *intake, PyObject *way, Stamped *stamped)
{
    PyObject *record;
    Py_INCREF(way); /* While it runs, it may be taken out of the dictionary. */
    int is_compiled = Py_IS_TYPE(way, way_api->type);
    record = is_compiled && stamped->is_drawn ? way_api->encode(way, stamped->event, &stamped->drawn.fields) : NULL;
    if (record == NULL && !PyErr_Occurred() && stamp_of(intake, stamped) != NULL) {
        if (is_compiled && stamped->is_drawn) {
            record = way_api->encode_in_python(way, stamped->event, stamped->stamp);
        }
        else {
            PyObject *arguments[] = {stamped->event, stamped->stamp};
            record = PyObject_Vectorcall(way, arguments, 2, NULL);
        }
    }
    Py_DECREF(way);
    return record;
}

static PyObject *
into_memory(const Intake *intake, PyObject *way, Stamped *stamped)
{
    PyObject *record = encode(intake, way, stamped), *said = NULL, *result = NULL;
    if (record != NULL) {
        said = PyObject_CallOneArg(intake->append, record);
    }
    if (said == Py_True) {
        result = Py_NewRef(Py_None);
    }
    else if (said != NULL) {
        PyObject *done = PyObject_CallFunctionObjArgs(intake->attend, record, said, NULL);
        result = done == NULL ? NULL : Py_NewRef(Py_None);
        Py_XDECREF(done);
    }
    Py_XDECREF(said);
    Py_XDECREF(record);
    return result;
}

/* Return the receipt. */
static PyObject *
into_journal(const Intake *intake, PyObject *journaled, Stamped *stamped)
{
    Py_INCREF(journaled); /* As above. */
    PyObject *record = encode(intake, PyTuple_GET_ITEM(journaled, 0), stamped);
    PyObject *receipt = record == NULL ? NULL : PyObject_CallNoArgs(PyTuple_GET_ITEM(journaled, 1)), *said = NULL;
    if (receipt != NULL) {
        PyObject *put[] = {record, receipt, NULL};
        said = PyObject_Vectorcall(PyTuple_GET_ITEM(journaled, 2), put, 2, NULL);
        if (said != NULL && said != Py_True) {
            put[2] = said;
            Py_SETREF(said, PyObject_Vectorcall(PyTuple_GET_ITEM(journaled, 3), put, 3, NULL));
        }
    }
    Py_DECREF(journaled);
    Py_XDECREF(record);
    if (said == NULL) {
        Py_CLEAR(receipt);
    }
    Py_XDECREF(said);
    return receipt;
}

static PyObject *
in_python(const Intake *intake, Stamped *stamped)
{
    PyObject *arguments[] = {stamped->event, stamp_of(intake, stamped)};
    return arguments[1] == NULL ? NULL : PyObject_Vectorcall(intake->python, arguments, 2, NULL);
}

/* Take an event that was stamped in a process. */
static PyObject *
accept(const Intake *intake, Stamped *stamped, long long pid)
{
    if (pid != intake->pid) {
        return in_python(intake, stamped);
    }
    PyObject *type = (PyObject *)Py_TYPE(stamped->event), *journaled = NULL;
    PyObject *way = PyDict_GetItemWithError(intake->ways, type);
    if (way != NULL) {
        return into_memory(intake, way, stamped);
    }
    if (!PyErr_Occurred()) {
        journaled = PyDict_GetItemWithError(intake->journaled, type);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (journaled != NULL && PyTuple_CheckExact(journaled) && PyTuple_GET_SIZE(journaled) == 4) {
        PyObject *receipt = into_journal(intake, journaled, stamped);
        if (receipt != NULL || !PyErr_ExceptionMatches(PyExc_Exception)) {
            return receipt;
        }
        /* The same once more, by the function that knows what must not be lost: an event may then come twice. */
        PyErr_Clear();
    }
    return in_python(intake, stamped);
}

static PyObject *
accept_with(const Intake *intake, PyObject *event, PyObject *stamp)
{
    Stamped stamped = {.event = event, .stamp = stamp};
    PyObject *pid = PyTuple_Check(stamp) && PyTuple_GET_SIZE(stamp) > PID_IN_STAMP ? PyTuple_GET_ITEM(stamp, PID_IN_STAMP)
                                                                                  : NULL;
    long long number = NO_PID;
    if (pid != NULL && PyLong_CheckExact(pid)) {
        number = PyLong_AsLongLong(pid);
        if (PyErr_Occurred()) {
            PyErr_Clear();
        }
    }
    return number == NO_PID ? in_python(intake, &stamped) : accept(intake, &stamped, number);
}

static PyObject *
stamp_and_accept(const Intake *intake, PyObject *event)
{
    Stamped stamped = {.event = event};
    stamped.is_drawn = stamps_api->draw(intake->stamps, &stamped.drawn);
    if (stamped.is_drawn < 0) {
        return NULL;
    }
    PyObject *result;
    if (!stamped.is_drawn) {
        PyObject *stamp = PyObject_CallNoArgs(intake->stamps);
        result = stamp == NULL ? NULL : accept_with(intake, event, stamp);
        Py_XDECREF(stamp);
        return result;
    }
    result = accept(intake, &stamped, stamped.drawn.pid);
    stamps_api->drop(&stamped.drawn);
    if (stamped.owns_stamp) {
        Py_XDECREF(stamped.stamp);
    }
    return result;
}

static PyObject *
intake_call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *names)
{
    const Intake *intake = (Intake *)self;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (names == NULL && count == 2) {
        return accept_with(intake, arguments[0], arguments[1]);
    }
    if (names == NULL && count == 1 && intake->stamps != NULL) {
        return stamp_and_accept(intake, arguments[0]);
    }
    PyErr_SetString(PyExc_TypeError, "an intake takes an event and its stamp, without which it needs stamps");
    return NULL;
}

#define FOR_EACH_MEMBER(DO) DO(python) DO(stamps) DO(ways) DO(journaled) DO(append) DO(attend)

static int
intake_traverse(Intake *intake, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(intake));
#define VISIT(member) Py_VISIT(intake->member);
    FOR_EACH_MEMBER(VISIT)
#undef VISIT
    return 0;
}

static void
intake_dealloc(Intake *intake)
{
    PyTypeObject *type = Py_TYPE(intake);
    PyObject_GC_UnTrack(intake);
#define CLEAR(member) Py_CLEAR(intake->member);
    FOR_EACH_MEMBER(CLEAR)
#undef CLEAR
    type->tp_free((PyObject *)intake);
    Py_DECREF(type);
}

static PyObject *
intake_begin(Intake *intake, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"append", "attend", "pid", NULL};
    PyObject *append, *attend;
    long long pid;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOL:begin", names, &append, &attend, &pid)) {
        return NULL;
    }
    intake->pid = pid;
    Py_XSETREF(intake->append, Py_NewRef(append));
    Py_XSETREF(intake->attend, Py_NewRef(attend));
    Py_RETURN_NONE;
}

static PyObject *
intake_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"python", "stamp", "ways", "journaled", NULL};
    PyObject *python, *stamp, *ways, *journaled;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOO!O!:Intake", names, &python, &stamp, &PyDict_Type, &ways,
                                     &PyDict_Type, &journaled)) {
        return NULL;
    }
    Intake *intake = (Intake *)type->tp_alloc(type, 0);
    if (intake == NULL) {
        return NULL;
    }
    intake->vectorcall = intake_call;
    intake->pid = NO_PID;
    intake->python = Py_NewRef(python);
    intake->stamps = Py_IS_TYPE(stamp, stamps_api->type) ? Py_NewRef(stamp) : NULL;
    intake->ways = Py_NewRef(ways);
    intake->journaled = Py_NewRef(journaled);
    return (PyObject *)intake;
}

static PyMethodDef intake_methods[] = {
    {"begin", (PyCFunction)(void (*)(void))intake_begin, METH_VARARGS | METH_KEYWORDS,
     "Take events into the ring of a process."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef intake_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Intake, vectorcall), READONLY, NULL},
    {"stamps", T_OBJECT, offsetof(Intake, stamps), READONLY, "What stamps the events that come without a stamp, or None."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot intake_slots[] = {
    {Py_tp_doc, "Takes events into the queue in memory or the journal: intake(event, stamp), or intake(event) where it has stamps."},
    {Py_tp_new, intake_new},
    {Py_tp_dealloc, intake_dealloc},
    {Py_tp_traverse, intake_traverse},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, intake_members},
    {Py_tp_methods, intake_methods},
    {0, NULL},
};

static PyType_Spec intake_spec = {
    .name = "otel_events.direct.intake.Intake",
    .basicsize = sizeof(Intake),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = intake_slots,
};

/* Set what another module offers in its capsule `api`, which is there for ever. */
static int
load_api(PyObject *module, const char *from, const char *name, const void **api)
{
    PyObject *other = PyImport_ImportModule(from);
    PyObject *capsule = other == NULL ? NULL : PyObject_GetAttrString(other, "api");
    *api = capsule == NULL ? NULL : PyCapsule_GetPointer(capsule, name);
    int kept = *api == NULL ? -1 : PyModule_AddObjectRef(module, strrchr(from, '.') + 1, other);
    Py_XDECREF(capsule);
    Py_XDECREF(other);
    return kept;
}

static int
module_exec(PyObject *module)
{
    if (load_api(module, STAMPS_MODULE, STAMPS_API_NAME, (const void **)&stamps_api) < 0
        || load_api(module, WAY_MODULE, WAY_API_NAME, (const void **)&way_api) < 0) {
        return -1;
    }
    PyObject *type = PyType_FromSpec(&intake_spec);
    if (type == NULL) {
        return -1;
    }
    int added = PyModule_AddObjectRef(module, "Intake", type);
    Py_DECREF(type);
    return added;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* it has static pointers */
#endif
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_events.direct.intake",
    .m_doc = "The way into the queue in memory, compiled.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit_intake(void)
{
    return PyModuleDef_Init(&module_definition);
}
