/* What is done with the receipt of every event, compiled: what plain_receipt.py does in Python.

   Awaiting a receipt gives what asyncio's tasks take for a future (it has `_asyncio_future_blocking`, see asyncio.isfuture),
   and no more than they need of one. It resumes its task within the one call that the loop makes for all that are woken. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>

#define KEPT 128 /* as in alarm.py */

enum state { WAITS, IS_WOKEN, IS_CANCELLED };

typedef struct {
    PyObject_HEAD
    PyObject *where, *error, *gate, *waiting; /* each NULL for None */
    double confirm_seconds;
    char closed, done, late;
} Receipt;

typedef struct {
    PyObject_HEAD
    PyObject *receipt;            /* NULL once it has told its result */
    PyObject *loop;               /* never NULL */
    PyObject *waker;              /* callable: has a list of those who wait on the loop woken; NULL while nobody waits */
    PyObject *callback, *context; /* resumes the task, and in which context; NULL without one */
    PyObject *message;            /* of the cancellation, or NULL */
    double due;                   /* when the time of the wait is up, as in alarm.py */
    char blocking;                /* for the task: whether this was awaited as a future is */
    char state;
} Waiting;

#define FOR_EACH_NAME(DO) \
    DO(__asyncio_running_event_loop__) DO(_alarm) DO(_result) DO(_time_is_up) DO(call_soon) DO(context) DO(kept) DO(set)

typedef struct {
    PyTypeObject *receipt_type, *waiting_type;
    PyObject *get_running_loop, *cancelled_error;
    PyObject *wake_all; /* callable: of this module */
    PyObject *waker_of; /* callable: see waking.py */
    PyObject *monotonic;
    /* What the alarm that was set last is, a tuple. Another thread may put its own in the place at any time. */
    PyObject *alarm;
    PyObject *running; /* a tuple: what asyncio keeps of the loop that was seen to run last, and that loop; NULL for none */
#define DECLARE(name) PyObject *name;
    FOR_EACH_NAME(DECLARE)
#undef DECLARE
} State;

static State *
state_of(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    while (((PyHeapTypeObject *)type)->ht_module == NULL) { /* classes in Python, derived from the one here */
        type = type->tp_base;
    }
    return PyModule_GetState(((PyHeapTypeObject *)type)->ht_module);
}

/* -- Waiting ------------------------------------------------------------------------------------------------------- */

#define FOR_EACH_OF_WAITING(DO) DO(receipt) DO(loop) DO(waker) DO(callback) DO(context) DO(message)

static int
waiting_traverse(Waiting *waiting, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(waiting));
#define VISIT(member) Py_VISIT(waiting->member);
    FOR_EACH_OF_WAITING(VISIT)
#undef VISIT
    return 0;
}

static int
waiting_clear(Waiting *waiting)
{
    Py_CLEAR(waiting->receipt); /* The loop stays, for who asks for it: it knows of nothing here once it is closed. */
    Py_CLEAR(waiting->waker);
    Py_CLEAR(waiting->callback);
    Py_CLEAR(waiting->context);
    Py_CLEAR(waiting->message);
    return 0;
}

static void
waiting_dealloc(Waiting *waiting)
{
    PyTypeObject *type = Py_TYPE(waiting);
    PyObject_GC_UnTrack(waiting);
    waiting_clear(waiting);
    Py_CLEAR(waiting->loop);
    type->tp_free((PyObject *)waiting);
    Py_DECREF(type);
}

/* Return what has the event, or raise why nothing has. */
static PyObject *
waiting_result(Waiting *waiting, PyObject *Py_UNUSED(nothing))
{
    State *state = state_of((PyObject *)waiting);
    Receipt *receipt = (Receipt *)waiting->receipt;
    if (waiting->state == IS_CANCELLED) {
        if (waiting->message == NULL) {
            PyErr_SetNone(state->cancelled_error);
        }
        else {
            PyErr_SetObject(state->cancelled_error, waiting->message);
        }
        return NULL;
    }
    if (waiting->state == WAITS || receipt == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a receipt has no result yet, or has told it");
        return NULL;
    }
    if (receipt->error == NULL && receipt->where != NULL) {
        return Py_NewRef(receipt->where);
    }
    return PyObject_CallMethodNoArgs((PyObject *)receipt, state->_result);
}

static PySendResult
waiting_send(PyObject *self, PyObject *Py_UNUSED(sent), PyObject **result)
{
    Waiting *waiting = (Waiting *)self;
    if (waiting->state == WAITS) {
        waiting->blocking = 1;
        *result = Py_NewRef(self);
        return PYGEN_NEXT;
    }
    *result = waiting_result(waiting, NULL);
    Py_CLEAR(waiting->receipt);
    return *result == NULL ? PYGEN_ERROR : PYGEN_RETURN;
}

static PyObject *
waiting_next(PyObject *self)
{
    PyObject *result;
    PySendResult said = waiting_send(self, Py_None, &result);
    if (said == PYGEN_RETURN) {
        PyErr_SetObject(PyExc_StopIteration, result);
        Py_CLEAR(result);
    }
    return result;
}

/* Have the loop call the function that resumes the task; -1 with an exception. */
static int
call_soon(State *state, Waiting *waiting, PyObject *callback, PyObject *context)
{
    PyObject *call[] = {waiting->loop, callback, (PyObject *)waiting, context};
    PyObject *names = context == NULL ? NULL : PyTuple_Pack(1, state->context);
    if (context != NULL && names == NULL) {
        return -1;
    }
    PyObject *handle = PyObject_VectorcallMethod(state->call_soon, call, 3, names);
    Py_XDECREF(names);
    Py_XDECREF(handle);
    return handle == NULL ? -1 : 0;
}

/* What an alarm is kept as: a tuple. */
enum alarm { OF_LOOP, CONFIRM_SECONDS, SECONDS, WAITS_SET, ITSELF, DONE, WAKER };

/* Return what a task is resumed with: a future of its loop that is done, for which asyncio has a shorter way than for what it does
   not know. What the task awaits tells the result itself. */
static PyObject *
resumed_with(const State *state, Waiting *waiting)
{
    PyObject *alarm = state->alarm;
    int known = alarm != NULL && PyTuple_GET_ITEM(alarm, OF_LOOP) == waiting->loop;
    return Py_NewRef(known ? PyTuple_GET_ITEM(alarm, DONE) : (PyObject *)waiting);
}

/* Resume the task, on its loop and outside any task; -1 with an exception, which is one that ends the loop. */
static int
resume(State *state, Waiting *waiting)
{
    PyObject *callback = waiting->callback, *context = waiting->context;
    waiting->callback = waiting->context = NULL;
    int said = 0;
    if (callback == NULL) {
        return 0;
    }
    if (context == NULL || PyContext_Enter(context) < 0) {
        PyErr_Clear(); /* Somebody is in that context. */
        said = call_soon(state, waiting, callback, context);
    }
    else {
        PyObject *with = resumed_with(state, waiting), *result = PyObject_CallOneArg(callback, with);
        said = PyContext_Exit(context) < 0 || result == NULL ? -1 : 0;
        Py_XDECREF(result);
        Py_DECREF(with);
    }
    Py_DECREF(callback);
    Py_XDECREF(context);
    return said;
}

static PyObject *
waiting_add_done_callback(Waiting *waiting, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (count != 1 || named > 1
        || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "context") != 0)) {
        PyErr_SetString(PyExc_TypeError, "add_done_callback takes a function and, by name, a context");
        return NULL;
    }
    PyObject *callback = arguments[0], *context = named == 1 ? arguments[1] : NULL;
    if (waiting->callback != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a receipt is awaited by one task at a time");
        return NULL;
    }
    context = context == Py_None ? NULL : context;
    if (waiting->state != WAITS) {
        return call_soon(state_of((PyObject *)waiting), waiting, callback, context) < 0 ? NULL : Py_NewRef(Py_None);
    }
    waiting->callback = Py_NewRef(callback);
    waiting->context = Py_XNewRef(context);
    Py_RETURN_NONE;
}

static PyObject *
waiting_cancel(Waiting *waiting, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"msg", NULL};
    PyObject *message = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|O:cancel", names, &message)) {
        return NULL;
    }
    if (waiting->state != WAITS) {
        Py_RETURN_FALSE;
    }
    waiting->state = IS_CANCELLED;
    Py_XSETREF(waiting->message, message == Py_None ? NULL : Py_NewRef(message));
    PyObject *callback = waiting->callback, *context = waiting->context;
    waiting->callback = waiting->context = NULL;
    int said = callback == NULL ? 0 : call_soon(state_of((PyObject *)waiting), waiting, callback, context);
    Py_XDECREF(callback);
    Py_XDECREF(context);
    return said < 0 ? NULL : Py_NewRef(Py_True);
}

static PyObject *
waiting_done(Waiting *waiting, PyObject *Py_UNUSED(nothing))
{
    return PyBool_FromLong(waiting->state != WAITS);
}

/* Say that the time is up. */
static PyObject *
waiting_ring(Waiting *waiting, PyObject *Py_UNUSED(nothing))
{
    if (waiting->receipt == NULL) {
        Py_RETURN_NONE;
    }
    State *state = state_of((PyObject *)waiting);
    PyObject *receipt = Py_NewRef(waiting->receipt);
    PyObject *said = PyObject_CallMethodOneArg(receipt, state->_time_is_up, (PyObject *)waiting);
    Py_DECREF(receipt);
    return said;
}

static PyObject *
waiting_get_loop(Waiting *waiting, PyObject *Py_UNUSED(nothing))
{
    return Py_NewRef(waiting->loop);
}

static PyMethodDef waiting_methods[] = {
    {"add_done_callback", (PyCFunction)(void (*)(void))waiting_add_done_callback, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"cancel", (PyCFunction)(void (*)(void))waiting_cancel, METH_VARARGS | METH_KEYWORDS, NULL},
    {"done", (PyCFunction)waiting_done, METH_NOARGS, NULL},
    {"get_loop", (PyCFunction)waiting_get_loop, METH_NOARGS, NULL},
    {"result", (PyCFunction)waiting_result, METH_NOARGS, NULL},
    {"ring", (PyCFunction)waiting_ring, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef waiting_members[] = {
    {"_asyncio_future_blocking", T_BOOL, offsetof(Waiting, blocking), 0, NULL},
    {"due", T_DOUBLE, offsetof(Waiting, due), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot waiting_slots[] = {
    {Py_tp_doc, "A task that waits for a receipt."},
    {Py_tp_dealloc, waiting_dealloc},
    {Py_tp_traverse, waiting_traverse},
    {Py_tp_clear, waiting_clear},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, waiting_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, waiting_send},
    {Py_tp_methods, waiting_methods},
    {Py_tp_members, waiting_members},
    {0, NULL},
};

static PyType_Spec waiting_spec = {
    .name = "otel_events.direct.receipt.Waiting",
    .basicsize = sizeof(Waiting),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = waiting_slots,
};

/* -- Receipt ------------------------------------------------------------------------------------------------------- */

static PyObject *
receipt_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"closed", "confirm_seconds", NULL};
    int closed = 0;
    double confirm_seconds = 0.0;
    if (keywords == NULL && PyTuple_GET_SIZE(arguments) == 2 && PyBool_Check(PyTuple_GET_ITEM(arguments, 0))
        && PyFloat_CheckExact(PyTuple_GET_ITEM(arguments, 1))) { /* as nearly always, in a third of the time */
        closed = PyTuple_GET_ITEM(arguments, 0) == Py_True;
        confirm_seconds = PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(arguments, 1));
    }
    else if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|pd:Receipt", names, &closed, &confirm_seconds)) {
        return NULL;
    }
    Receipt *receipt = (Receipt *)type->tp_alloc(type, 0);
    if (receipt != NULL) {
        receipt->closed = (char)closed;
        receipt->confirm_seconds = confirm_seconds;
    }
    return (PyObject *)receipt;
}

#define FOR_EACH_OF_RECEIPT(DO) DO(where) DO(error) DO(gate) DO(waiting)

static int
receipt_traverse(Receipt *receipt, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(receipt));
#define VISIT(member) Py_VISIT(receipt->member);
    FOR_EACH_OF_RECEIPT(VISIT)
#undef VISIT
    return 0;
}

static int
receipt_clear(Receipt *receipt)
{
#define CLEAR(member) Py_CLEAR(receipt->member);
    FOR_EACH_OF_RECEIPT(CLEAR)
#undef CLEAR
    return 0;
}

static void
receipt_dealloc(Receipt *receipt)
{
    PyTypeObject *type = Py_TYPE(receipt);
    PyObject_GC_UnTrack(receipt);
    receipt_clear(receipt);
    type->tp_free((PyObject *)receipt);
    Py_DECREF(type);
}


/* Remove from an alarm's waits those that are over, where it keeps as many as it may, as it does itself; -1 with an exception. */
static int
forget_done(const State *state, PyObject *alarm, PyObject *waits)
{
    PyObject *kept = PyObject_GetAttr(alarm, state->kept);
    Py_ssize_t most = kept == NULL ? -1 : PyLong_AsSsize_t(kept);
    Py_XDECREF(kept);
    if (PyErr_Occurred() || PyList_GET_SIZE(waits) < most) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *left = PyList_New(0);
    int result = left == NULL ? -1 : 0;
    for (Py_ssize_t index = 0; result == 0 && index < PyList_GET_SIZE(waits); index++) {
        PyObject *wait = PyList_GET_ITEM(waits, index);
        if (!Py_IS_TYPE(wait, state->waiting_type) || ((Waiting *)wait)->state == WAITS) {
            result = PyList_Append(left, wait);
        }
    }
    if (result == 0) {
        /* Each time there are twice as many, so that it costs each wait the same, however many there are. */
        Py_ssize_t twice = 2 * PyList_GET_SIZE(left);
        kept = PyLong_FromSsize_t(twice > KEPT ? twice : KEPT);
        result = kept == NULL ? -1 : PyObject_SetAttr(alarm, state->kept, kept);
        Py_XDECREF(kept);
    }
    if (result == 0) {
        result = PyList_SetSlice(waits, 0, PyList_GET_SIZE(waits), left);
    }
    Py_XDECREF(left);
    return result;
}

/* Return a future of a loop that is done. */
static PyObject *
done_future(PyObject *loop)
{
    PyObject *future = PyObject_CallMethod(loop, "create_future", NULL);
    PyObject *said = future == NULL ? NULL : PyObject_CallMethod(future, "set_result", "O", Py_None);
    if (said == NULL) {
        Py_CLEAR(future);
    }
    Py_XDECREF(said);
    return future;
}

/* Return the alarm of a loop for waits as long as this receipt's, a new reference; what else is needed of the loop is with it. */
static PyObject *
alarm_of(State *state, PyObject *receipt, PyObject *loop)
{
    double seconds = ((Receipt *)receipt)->confirm_seconds;
    PyObject *alarm = state->alarm;
    if (alarm != NULL && PyTuple_GET_ITEM(alarm, OF_LOOP) == loop
        && PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(alarm, CONFIRM_SECONDS)) == seconds) {
        return Py_NewRef(alarm);
    }
    PyObject *found = PyObject_CallMethodOneArg(receipt, state->_alarm, loop);
    if (found == NULL) {
        return NULL;
    }
    PyObject *waits = PyObject_GetAttrString(found, "waits"), *length = NULL, *done = NULL, *waker = NULL;
    alarm = NULL;
    if (waits != NULL && (length = PyObject_GetAttrString(found, "seconds")) != NULL && (done = done_future(loop)) != NULL
        && (waker = PyObject_CallFunctionObjArgs(state->waker_of, loop, state->wake_all, NULL)) != NULL) {
        alarm = Py_BuildValue("OddOOOO", loop, seconds, PyFloat_AsDouble(length), waits, found, done, waker);
    }
    Py_DECREF(found);
    Py_XDECREF(waker);
    Py_XDECREF(done);
    Py_XDECREF(length);
    Py_XDECREF(waits);
    if (alarm != NULL) {
        Py_XSETREF(state->alarm, Py_NewRef(alarm));
    }
    return alarm;
}

/* Have somebody who waits woken when the time is up; -1 with an exception. */
static int
set_alarm(State *state, PyObject *alarm, Waiting *waiting)
{
    PyObject *waits = PyTuple_GET_ITEM(alarm, WAITS_SET);
    if (PyList_GET_SIZE(waits) >= KEPT && forget_done(state, PyTuple_GET_ITEM(alarm, ITSELF), waits) < 0) {
        return -1;
    }
    if (PyList_GET_SIZE(waits) == 0) {
        PyObject *said = PyObject_CallMethodOneArg(PyTuple_GET_ITEM(alarm, ITSELF), state->set, (PyObject *)waiting);
        Py_XDECREF(said);
        return said == NULL ? -1 : 0;
    }
    /* what it does where others wait already */
    PyObject *now = PyObject_CallNoArgs(state->monotonic);
    if (now == NULL) {
        return -1;
    }
    waiting->due = PyFloat_AsDouble(now) + PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(alarm, SECONDS));
    Py_DECREF(now);
    return PyErr_Occurred() ? -1 : PyList_Append(waits, (PyObject *)waiting);
}

/* Return the loop that runs in this thread. Before Python 3.12 asyncio asks the kernel for the process each time, which takes as long
   as all the rest of a wait; what it keeps in the thread, though, is another object each time that a loop begins to run or ends. */
#if PY_VERSION_HEX < 0x030C0000
static PyObject *
running_loop(State *state)
{
    PyObject *kept = PyThreadState_GetDict(); /* borrowed, as what is in it */
    PyObject *holder = kept == NULL ? NULL : PyDict_GetItemWithError(kept, state->__asyncio_running_event_loop__);
    if (holder == NULL && PyErr_Occurred()) {
        return NULL;
    }
    if (holder != NULL && state->running != NULL && PyTuple_GET_ITEM(state->running, 0) == holder) {
        return Py_NewRef(PyTuple_GET_ITEM(state->running, 1));
    }
    Py_XINCREF(holder);
    PyObject *loop = PyObject_CallNoArgs(state->get_running_loop);
    if (loop != NULL && holder != NULL) {
        PyObject *running = PyTuple_Pack(2, holder, loop);
        if (running == NULL) {
            Py_CLEAR(loop);
        }
        else {
            Py_XSETREF(state->running, running);
        }
    }
    Py_XDECREF(holder);
    return loop;
}
#else
static PyObject *
running_loop(State *state)
{
    return PyObject_CallNoArgs(state->get_running_loop);
}
#endif

/* Have somebody woken when a receipt is resolved, or the time is up; -1 with an exception. */
static int
begin_to_wait(State *state, Receipt *receipt, Waiting *waiting)
{
    PyObject *alarm = alarm_of(state, (PyObject *)receipt, waiting->loop);
    if (alarm == NULL) {
        return -1;
    }
    int result = 0;
    if (!receipt->done) { /* still: to find the alarm may take Python code, during which another thread runs */
        waiting->state = WAITS;
        waiting->waker = Py_NewRef(PyTuple_GET_ITEM(alarm, WAKER));
        Py_XSETREF(receipt->waiting, Py_NewRef(waiting));
        result = set_alarm(state, alarm, waiting);
    }
    Py_DECREF(alarm);
    return result;
}

static PyObject *
receipt_await(PyObject *self)
{
    Receipt *receipt = (Receipt *)self;
    State *state = state_of(self);
    PyObject *loop = running_loop(state);
    if (loop == NULL) {
        return NULL;
    }
    Waiting *waiting = (Waiting *)state->waiting_type->tp_alloc(state->waiting_type, 0);
    if (waiting == NULL) {
        Py_DECREF(loop);
        return NULL;
    }
    waiting->loop = loop;
    waiting->receipt = Py_NewRef(self);
    waiting->state = IS_WOKEN;
    if (!receipt->done && begin_to_wait(state, receipt, waiting) < 0) {
        Py_CLEAR(waiting);
    }
    return (PyObject *)waiting;
}

static PyMemberDef receipt_members[] = {
    {"closed", T_BOOL, offsetof(Receipt, closed), READONLY, NULL},
    {"confirm_seconds", T_DOUBLE, offsetof(Receipt, confirm_seconds), READONLY, NULL},
    {"where", T_OBJECT, offsetof(Receipt, where), READONLY, NULL},
    {"error", T_OBJECT, offsetof(Receipt, error), READONLY, NULL},
    {"_done", T_BOOL, offsetof(Receipt, done), READONLY, NULL},
    {"_late", T_BOOL, offsetof(Receipt, late), 0, NULL},
    {"_gate", T_OBJECT, offsetof(Receipt, gate), 0, NULL},
    {"_waiting", T_OBJECT, offsetof(Receipt, waiting), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot receipt_slots[] = {
    {Py_tp_doc, "What is known of an event that is being made safe: Receipt(closed=False, confirm_seconds=0.0)."},
    {Py_tp_new, receipt_new},
    {Py_tp_dealloc, receipt_dealloc},
    {Py_tp_traverse, receipt_traverse},
    {Py_tp_clear, receipt_clear},
    {Py_am_await, receipt_await},
    {Py_tp_members, receipt_members},
    {0, NULL},
};

static PyType_Spec receipt_spec = {
    .name = "otel_events.direct.receipt.Receipt",
    .basicsize = sizeof(Receipt),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = receipt_slots,
};

/* -- the module ---------------------------------------------------------------------------------------------------- */

/* Note what has an event, or why nothing has it; who waits for that on an event loop is put among `waiters`, a dictionary of
   lists, by what wakes them. 1 where it waits for the collector now, -1 with an exception. */
static int
resolve_one(State *state, Receipt *receipt, PyObject *where, PyObject *error, int on_disk, PyObject *waiters)
{
    Py_XSETREF(receipt->where, where == Py_None ? NULL : Py_NewRef(where));
    if (error != Py_None) {
        Py_XSETREF(receipt->error, Py_NewRef(error));
    }
    if (on_disk && receipt->confirm_seconds != 0.0 && !receipt->late) {
        return 1;
    }
    receipt->done = 1;
    if (receipt->gate != NULL) {
        PyObject *gate = Py_NewRef(receipt->gate), *said = PyObject_CallMethodNoArgs(gate, state->set);
        Py_DECREF(gate);
        if (said == NULL) {
            return -1;
        }
        Py_DECREF(said);
    }
    PyObject *waiting = receipt->waiting;
    if (waiting == NULL) {
        return 0;
    }
    receipt->waiting = NULL;
    PyObject *waker = ((Waiting *)waiting)->waker, *of_loop = PyDict_GetItemWithError(waiters, waker);
    int result = -1;
    if (of_loop != NULL) {
        result = PyList_Append(of_loop, waiting);
    }
    else if (!PyErr_Occurred() && (of_loop = PyList_New(0)) != NULL) {
        result = PyList_Append(of_loop, waiting) < 0 ? -1 : PyDict_SetItem(waiters, waker, of_loop);
        Py_DECREF(of_loop);
    }
    Py_DECREF(waiting);
    return result;
}

static PyObject *
module_resolve(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"receipts", "where", "error", NULL};
    State *state = PyModule_GetState(module);
    PyObject *receipts, *where, *error = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO|O:resolve", names, &receipts, &where, &error)) {
        return NULL;
    }
    PyObject *waiters = PyDict_New(), *all = PySequence_Tuple(receipts);
    int fine = waiters != NULL && all != NULL;
    int unconfirmed = 0, on_disk = PyUnicode_Check(where) && PyUnicode_CompareWithASCIIString(where, "journal") == 0;
    for (Py_ssize_t index = 0; fine && index < PyTuple_GET_SIZE(all); index++) {
        PyObject *receipt = PyTuple_GET_ITEM(all, index);
        if (!PyObject_TypeCheck(receipt, state->receipt_type)) {
            PyErr_SetString(PyExc_TypeError, "only receipts can be resolved");
            fine = 0;
        }
        else {
            int said = resolve_one(state, (Receipt *)receipt, where, error, on_disk, waiters);
            unconfirmed |= said > 0;
            fine = said >= 0;
        }
    }
    PyObject *waker, *of_loop;
    Py_ssize_t position = 0;
    while (fine && PyDict_Next(waiters, &position, &waker, &of_loop)) {
        PyObject *said = PyObject_CallOneArg(waker, of_loop);
        fine = said != NULL;
        Py_XDECREF(said);
    }
    Py_XDECREF(waiters);
    Py_XDECREF(all);
    return fine ? PyBool_FromLong(unconfirmed) : NULL;
}

static int
wake(State *state, Waiting *waiting)
{
    if (waiting->state != WAITS) {
        return 0;
    }
    waiting->state = IS_WOKEN;
    return resume(state, waiting);
}

static PyObject *
module_wake(PyObject *module, PyObject *waiting)
{
    State *state = PyModule_GetState(module);
    if (!Py_IS_TYPE(waiting, state->waiting_type)) {
        PyErr_SetString(PyExc_TypeError, "only who waits for a receipt can be woken");
        return NULL;
    }
    return wake(state, (Waiting *)waiting) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
module_wake_all(PyObject *module, PyObject *all)
{
    State *state = PyModule_GetState(module);
    for (Py_ssize_t index = 0; PyList_CheckExact(all) && index < PyList_GET_SIZE(all); index++) {
        Waiting *waiting = (Waiting *)Py_NewRef(PyList_GET_ITEM(all, index));
        int said = Py_IS_TYPE(waiting, state->waiting_type) ? wake(state, waiting) : 0;
        PyObject *type, *error, *traceback;
        if (said < 0) {
            /* It ends the loop. Should that be run again, the others go on. */
            PyErr_Fetch(&type, &error, &traceback);
            PyObject *rest = PyList_GetSlice(all, index + 1, PyList_GET_SIZE(all));
            PyObject *call[] = {waiting->loop, state->wake_all, rest};
            PyObject *handle = rest == NULL ? NULL : PyObject_VectorcallMethod(state->call_soon, call, 3, NULL);
            Py_XDECREF(handle);
            Py_XDECREF(rest);
            PyErr_Restore(type, error, traceback);
        }
        Py_DECREF(waiting);
        if (said < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static int
module_exec(PyObject *module)
{
    State *state = PyModule_GetState(module);
#define INTERN(name) \
    if ((state->name = PyUnicode_InternFromString(#name)) == NULL) { \
        return -1; \
    }
    FOR_EACH_NAME(INTERN)
#undef INTERN
    PyObject *asyncio = PyImport_ImportModule("asyncio");
    if (asyncio == NULL) {
        return -1;
    }
    state->get_running_loop = PyObject_GetAttrString(asyncio, "get_running_loop");
    state->cancelled_error = PyObject_GetAttrString(asyncio, "CancelledError");
    Py_DECREF(asyncio);
    PyObject *time = PyImport_ImportModule("time");
    if (time == NULL) {
        return -1;
    }
    state->monotonic = PyObject_GetAttrString(time, "monotonic");
    Py_DECREF(time);
    PyObject *waking = PyImport_ImportModule("otel_events.direct.waking");
    if (waking == NULL) {
        return -1;
    }
    state->waker_of = PyObject_GetAttrString(waking, "waker_of");
    Py_DECREF(waking);
    state->wake_all = PyObject_GetAttrString(module, "_wake_all");
    state->receipt_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &receipt_spec, NULL);
    state->waiting_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &waiting_spec, NULL);
    if (state->monotonic == NULL || state->get_running_loop == NULL || state->cancelled_error == NULL || state->wake_all == NULL
        || state->waker_of == NULL || state->receipt_type == NULL || state->waiting_type == NULL) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "Receipt", (PyObject *)state->receipt_type);
}

#define FOR_EACH_KEPT(DO) \
    FOR_EACH_NAME(DO) DO(receipt_type) DO(waiting_type) DO(get_running_loop) DO(cancelled_error) DO(wake_all) DO(waker_of) \
    DO(monotonic) DO(alarm) DO(running)

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
#define VISIT(member) Py_VISIT(state->member);
    FOR_EACH_KEPT(VISIT)
#undef VISIT
    return 0;
}

static int
module_clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
#define CLEAR(member) Py_CLEAR(state->member);
    FOR_EACH_KEPT(CLEAR)
#undef CLEAR
    return 0;
}

static PyMethodDef module_methods[] = {
    {"resolve", (PyCFunction)(void (*)(void))module_resolve, METH_VARARGS | METH_KEYWORDS,
     "Note what has events, or why nothing has them, and wake those who wait for that; say whether some wait for the collector."},
    {"wake", module_wake, METH_O, "Resume a task that waits, on its loop."},
    {"_wake_all", module_wake_all, METH_O, "Likewise all in a list."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_events.direct.receipt",
    .m_doc = "What is done with the receipt of every event, compiled.",
    .m_size = sizeof(State),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC
PyInit_receipt(void)
{
    return PyModuleDef_Init(&module_definition);
}
