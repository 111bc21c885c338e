/* Bounded room for records and their receipts, compiled: what plain_pairs.py does in Python. The interpreter's lock guards it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>

typedef struct {
    PyObject_HEAD
    PyObject *records, *receipts; /* lists of the same length */
    PyObject *ring;               /* callable: wakes who waits for a pair; NULL for none */
    Py_ssize_t max_pairs, max_bytes, bytes; /* of the records */
    char wanted; /* somebody waits for one */
} Pairs;

static PyObject *
pairs_put(Pairs *pairs, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2 || !PyBytes_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "put takes a record, which is bytes, and a receipt");
        return NULL;
    }
    Py_ssize_t length = PyList_GET_SIZE(pairs->records), size = PyBytes_GET_SIZE(arguments[0]);
    if (length >= pairs->max_pairs || (length > 0 && size > pairs->max_bytes - pairs->bytes)) {
        Py_RETURN_FALSE;
    }
    /* Nothing else runs between the two: to append to a list collects no garbage. */
    if (PyList_Append(pairs->records, arguments[0]) < 0) {
        return NULL;
    }
    if (PyList_Append(pairs->receipts, arguments[1]) < 0) {
        PyList_SetSlice(pairs->records, length, length + 1, NULL);
        return NULL;
    }
    pairs->bytes += size;
    if (!pairs->wanted) {
        Py_RETURN_TRUE;
    }
    if (pairs->ring == NULL || pairs->ring == Py_None) {
        Py_RETURN_NONE;
    }
    /* Once for all that come until it has been heard; and first, because who hears it says anew what it wants. */
    pairs->wanted = 0;
    PyObject *said = PyObject_CallOneArg(pairs->ring, Py_None);
    if (said == NULL) {
        pairs->wanted = 1;
        return NULL;
    }
    Py_DECREF(said);
    Py_RETURN_TRUE;
}

static PyObject *
pairs_take(Pairs *pairs, PyObject *Py_UNUSED(nothing))
{
    PyObject *records = PyList_New(0), *receipts = PyList_New(0), *taken = PyTuple_New(2);
    if (records == NULL || receipts == NULL || taken == NULL) {
        Py_XDECREF(records);
        Py_XDECREF(receipts);
        Py_XDECREF(taken);
        return NULL;
    }
    PyTuple_SET_ITEM(taken, 0, pairs->records);
    PyTuple_SET_ITEM(taken, 1, pairs->receipts);
    pairs->records = records;
    pairs->receipts = receipts;
    pairs->bytes = 0;
    return taken;
}

static Py_ssize_t
pairs_length(Pairs *pairs)
{
    return PyList_GET_SIZE(pairs->records);
}

static PyObject *
pairs_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"max_pairs", "max_bytes", NULL};
    Py_ssize_t max_pairs, max_bytes;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "nn:Pairs", names, &max_pairs, &max_bytes)) {
        return NULL;
    }
    PyObject *records = PyList_New(0), *receipts = PyList_New(0);
    Pairs *pairs = records == NULL || receipts == NULL ? NULL : (Pairs *)type->tp_alloc(type, 0);
    if (pairs == NULL) {
        Py_XDECREF(records);
        Py_XDECREF(receipts);
        return NULL;
    }
    pairs->records = records;
    pairs->receipts = receipts;
    pairs->max_pairs = max_pairs;
    pairs->max_bytes = max_bytes;
    return (PyObject *)pairs;
}

static int
pairs_traverse(Pairs *pairs, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(pairs));
    Py_VISIT(pairs->records);
    Py_VISIT(pairs->receipts);
    Py_VISIT(pairs->ring);
    return 0;
}

static void
pairs_dealloc(Pairs *pairs)
{
    PyTypeObject *type = Py_TYPE(pairs);
    PyObject_GC_UnTrack(pairs);
    Py_CLEAR(pairs->records); /* Until then they are always there: a cycle is broken in the lists themselves. */
    Py_CLEAR(pairs->receipts);
    Py_CLEAR(pairs->ring);
    type->tp_free((PyObject *)pairs);
    Py_DECREF(type);
}

static PyMethodDef pairs_methods[] = {
    {"put", (PyCFunction)(void (*)(void))pairs_put, METH_FASTCALL,
     "Add a record and its receipt: False without room for them, None where somebody waits for one and cannot be woken by `ring`."},
    {"take", (PyCFunction)pairs_take, METH_NOARGS, "Remove and return all records, and all receipts."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef pairs_members[] = {
    {"wanted", T_BOOL, offsetof(Pairs, wanted), 0, "Whether somebody waits for one."},
    {"ring", T_OBJECT, offsetof(Pairs, ring), 0, "Wakes who waits for one, is called once, with None, and says so; or None."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot pairs_slots[] = {
    {Py_tp_doc, "Bounded room for records and their receipts."},
    {Py_tp_new, pairs_new},
    {Py_tp_dealloc, pairs_dealloc},
    {Py_tp_traverse, pairs_traverse},
    {Py_tp_methods, pairs_methods},
    {Py_tp_members, pairs_members},
    {Py_sq_length, pairs_length},
    {0, NULL},
};

static PyType_Spec pairs_spec = {
    .name = "otel_events.direct.journal.pairs.Pairs",
    .basicsize = sizeof(Pairs),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = pairs_slots,
};

static int
module_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&pairs_spec);
    if (type == NULL) {
        return -1;
    }
    int added = PyModule_AddObjectRef(module, "Pairs", type);
    Py_DECREF(type);
    return added;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_events.direct.journal.pairs",
    .m_doc = "Bounded room for records and their receipts, compiled.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit_pairs(void)
{
    return PyModuleDef_Init(&module_definition);
}
