/* The way into the queue in memory and into the journal, compiled: what DirectPipeline.accept does for the classes it knows.

   For other classes, in another process, and where something fails, the function in Python is called. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>

#define PID_IN_STAMP 6
#define NO_PID (-1)

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *python; /* callable: the same in Python */
    PyObject *ways;   /* dict: encodes the events of a class; whoever made this adds to it, and empties it at the end */
    PyObject *journaled; /* dict: of a class whose events go into the journal a tuple of what encodes them, what makes a receipt,
                            and what takes both; filled and emptied likewise */
    PyObject *append; /* callable: puts a record into the ring; True where nothing more is to be done */
    PyObject *attend; /* callable: does what is to be done otherwise, with the record and what append has said */
    long long pid;    /* of the process to whose ring that belongs; NO_PID before there is one */
} Intake;

static PyObject *
into_memory(const Intake *intake, PyObject *way, PyObject *const *arguments)
{
    Py_INCREF(way); /* While it runs, it may be taken out of the dictionary. */
    PyObject *record = PyObject_Vectorcall(way, arguments, 2, NULL), *said = NULL, *result = NULL;
    Py_DECREF(way);
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
into_journal(PyObject *journaled, PyObject *const *arguments)
{
    Py_INCREF(journaled); /* As above. */
    PyObject *record = PyObject_Vectorcall(PyTuple_GET_ITEM(journaled, 0), arguments, 2, NULL);
    PyObject *receipt = record == NULL ? NULL : PyObject_CallNoArgs(PyTuple_GET_ITEM(journaled, 1)), *said = NULL;
    if (receipt != NULL) {
        PyObject *put[] = {record, receipt};
        said = PyObject_Vectorcall(PyTuple_GET_ITEM(journaled, 2), put, 2, NULL);
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
intake_call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *names)
{
    Intake *intake = (Intake *)self;
    if (PyVectorcall_NARGS(flags) != 2 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "an intake takes two arguments: an event and its stamp");
        return NULL;
    }
    PyObject *stamp = arguments[1], *type = (PyObject *)Py_TYPE(arguments[0]);
    int mine = PyTuple_Check(stamp) && PyTuple_GET_SIZE(stamp) > PID_IN_STAMP
               && PyLong_CheckExact(PyTuple_GET_ITEM(stamp, PID_IN_STAMP))
               && PyLong_AsLongLong(PyTuple_GET_ITEM(stamp, PID_IN_STAMP)) == intake->pid;
    PyObject *way = mine ? PyDict_GetItemWithError(intake->ways, type) : NULL, *journaled = NULL;
    if (mine && way == NULL && !PyErr_Occurred()) {
        journaled = PyDict_GetItemWithError(intake->journaled, type);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (way != NULL) {
        return into_memory(intake, way, arguments);
    }
    if (journaled != NULL && PyTuple_CheckExact(journaled) && PyTuple_GET_SIZE(journaled) == 3) {
        PyObject *receipt = into_journal(journaled, arguments);
        if (receipt != NULL || !PyErr_ExceptionMatches(PyExc_Exception)) {
            return receipt;
        }
        /* The same once more, by the function that knows what must not be lost: an event may then come twice. */
        PyErr_Clear();
    }
    return PyObject_Vectorcall(intake->python, arguments, 2, NULL);
}

#define FOR_EACH_MEMBER(DO) DO(python) DO(ways) DO(journaled) DO(append) DO(attend)

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
    static char *names[] = {"python", "ways", "journaled", NULL};
    PyObject *python, *ways, *journaled;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO!O!:Intake", names, &python, &PyDict_Type, &ways, &PyDict_Type,
                                     &journaled)) {
        return NULL;
    }
    Intake *intake = (Intake *)type->tp_alloc(type, 0);
    if (intake == NULL) {
        return NULL;
    }
    intake->vectorcall = intake_call;
    intake->pid = NO_PID;
    intake->python = Py_NewRef(python);
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
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot intake_slots[] = {
    {Py_tp_doc, "Takes stamped events into the queue in memory or the journal: intake(event, stamp)."},
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

static int
module_exec(PyObject *module)
{
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
