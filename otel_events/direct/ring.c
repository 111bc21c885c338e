/* Bounded room for encoded records, compiled: what plain_ring.py does in Python. The interpreter's lock guards it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>

#define FIRST_CAPACITY 1024

typedef struct {
    PyObject_HEAD
    PyObject **records; /* a ring: bytes, from `first` on */
    Py_ssize_t capacity, first, count, bytes;
    Py_ssize_t max_records, max_bytes;
    Py_ssize_t wanted; /* somebody waits for so many records; 0 for nobody */
} Ring;

static PyObject *
ring_at(const Ring *ring, Py_ssize_t index)
{
    Py_ssize_t place = ring->first + index;
    return ring->records[place < ring->capacity ? place : place - ring->capacity];
}

/* Double the capacity; -1 with an exception. */
static int
ring_grow(Ring *ring)
{
    Py_ssize_t capacity = ring->capacity ? 2 * ring->capacity : FIRST_CAPACITY;
    if (capacity > PY_SSIZE_T_MAX / 2 / (Py_ssize_t)sizeof(PyObject *)) {
        PyErr_NoMemory();
        return -1;
    }
    PyObject **records = PyMem_Malloc((size_t)capacity * sizeof(PyObject *));
    if (records == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t index = 0; index < ring->count; index++) {
        records[index] = ring_at(ring, index);
    }
    PyMem_Free(ring->records);
    ring->records = records;
    ring->capacity = capacity;
    ring->first = 0;
    return 0;
}

static PyObject *
ring_append(Ring *ring, PyObject *record)
{
    if (!PyBytes_CheckExact(record)) {
        PyErr_SetString(PyExc_TypeError, "a record is bytes");
        return NULL;
    }
    Py_ssize_t size = PyBytes_GET_SIZE(record);
    if (ring->count >= ring->max_records || size > ring->max_bytes - ring->bytes) {
        Py_RETURN_FALSE;
    }
    if (ring->count == ring->capacity && ring_grow(ring) < 0) {
        return NULL;
    }
    Py_ssize_t place = ring->first + ring->count;
    ring->records[place < ring->capacity ? place : place - ring->capacity] = Py_NewRef(record);
    ring->count++;
    ring->bytes += size;
    if (ring->wanted && ring->count >= ring->wanted) {
        Py_RETURN_NONE;
    }
    Py_RETURN_TRUE;
}

/* Return how many of the oldest records fit, one at least if there is one, and set `size` to their bytes. */
static Py_ssize_t
ring_fitting(const Ring *ring, Py_ssize_t max_records, Py_ssize_t max_bytes, Py_ssize_t *size)
{
    Py_ssize_t count = 0;
    *size = 0;
    while (count < ring->count && count < max_records) {
        Py_ssize_t length = PyBytes_GET_SIZE(ring_at(ring, count));
        if (count && length > max_bytes - *size) {
            break;
        }
        *size += length;
        count++;
    }
    return count;
}

static PyObject *
ring_take(Ring *ring, PyObject *arguments)
{
    Py_ssize_t max_records, max_bytes, size;
    if (!PyArg_ParseTuple(arguments, "nn:take", &max_records, &max_bytes)) {
        return NULL;
    }
    Py_ssize_t count = ring_fitting(ring, max_records, max_bytes, &size);
    PyObject *batch = PyList_New(count);
    /* To make a list may run the garbage collector, and that code which changes the ring. */
    while (batch != NULL && ring_fitting(ring, max_records, max_bytes, &size) != count) {
        count = ring_fitting(ring, max_records, max_bytes, &size);
        Py_SETREF(batch, PyList_New(count));
    }
    if (batch == NULL) {
        return NULL;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        PyList_SET_ITEM(batch, index, ring_at(ring, index));
    }
    ring->first = ring->first + count < ring->capacity ? ring->first + count : ring->first + count - ring->capacity;
    ring->count -= count;
    ring->bytes -= size;
    return batch;
}

static PyObject *
ring_oldest(Ring *ring, PyObject *Py_UNUSED(nothing))
{
    return Py_NewRef(ring->count ? ring_at(ring, 0) : Py_None);
}

static Py_ssize_t
ring_length(Ring *ring)
{
    return ring->count;
}

static PyObject *
ring_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"max_records", "max_bytes", NULL};
    Py_ssize_t max_records, max_bytes;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "nn:Ring", names, &max_records, &max_bytes)) {
        return NULL;
    }
    Ring *ring = (Ring *)type->tp_alloc(type, 0);
    if (ring != NULL) {
        ring->max_records = max_records;
        ring->max_bytes = max_bytes;
    }
    return (PyObject *)ring;
}

static void
ring_dealloc(Ring *ring)
{
    PyTypeObject *type = Py_TYPE(ring);
    for (Py_ssize_t index = 0; index < ring->count; index++) {
        Py_DECREF(ring_at(ring, index));
    }
    PyMem_Free(ring->records);
    type->tp_free((PyObject *)ring);
    Py_DECREF(type);
}

static PyMethodDef ring_methods[] = {
    {"append", (PyCFunction)ring_append, METH_O, "Add a record: False without room for it, None where as many are wanted as there are now."},
    {"take", (PyCFunction)ring_take, METH_VARARGS, "Remove and return the oldest records, one at least, up to these bounds."},
    {"oldest", (PyCFunction)ring_oldest, METH_NOARGS, "Return the record that came first, or None."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef ring_members[] = {
    {"size_bytes", T_PYSSIZET, offsetof(Ring, bytes), READONLY, "Bytes of all records in it."},
    {"wanted", T_PYSSIZET, offsetof(Ring, wanted), 0, "For so many records somebody waits; 0 for nobody."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot ring_slots[] = {
    {Py_tp_doc, "Bounded room for encoded records."},
    {Py_tp_new, ring_new},
    {Py_tp_dealloc, ring_dealloc},
    {Py_tp_methods, ring_methods},
    {Py_tp_members, ring_members},
    {Py_sq_length, ring_length},
    {0, NULL},
};

static PyType_Spec ring_spec = {
    .name = "otel_events.direct.ring.Ring",
    .basicsize = sizeof(Ring),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = ring_slots,
};

static int
module_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&ring_spec);
    if (type == NULL) {
        return -1;
    }
    int added = PyModule_AddObjectRef(module, "Ring", type);
    Py_DECREF(type);
    return added;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_events.direct.ring",
    .m_doc = "Bounded room for encoded records, compiled.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit_ring(void)
{
    return PyModuleDef_Init(&module_definition);
}
