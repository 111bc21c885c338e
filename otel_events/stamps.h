/* What stamps.c offers to other compiled modules: stamping without an object for each stamp. */

#ifndef OTEL_EVENTS_STAMPS_H
#define OTEL_EVENTS_STAMPS_H

#include <Python.h>
#include <stdint.h>

#define STAMPS_MODULE "otel_events.stamps"
#define STAMPS_API_NAME "otel_events.stamps.api"
#define UID_CHARACTERS 26

/* What a stamp says. All references are borrowed from whatever holds them: a Stamp, or what was drawn. */
typedef struct {
    const char *uid; /* UTF-8 */
    Py_ssize_t uid_length;
    uint64_t observed_ns;
    PyObject *trace_id, *span_id, *trace_flags; /* NULL where there is no span */
    PyObject *request;
} StampFields;

/* A stamp that is no object yet. */
typedef struct {
    StampFields fields;
    char uid[UID_CHARACTERS];
    PyObject *now, *span, *request;
    long long pid;
} DrawnStamp;

typedef struct {
    PyTypeObject *type; /* Stamps */
    /* Stamp: 1; 0 where that is left to a call of the stamps; -1 with an exception. */
    int (*draw)(PyObject *stamps, DrawnStamp *drawn);
    /* Return a Stamp that says the same. */
    PyObject *(*as_object)(PyObject *stamps, const DrawnStamp *drawn);
    /* Give up the references of what was drawn. */
    void (*drop)(DrawnStamp *drawn);
} StampsApi;

#endif
