/* What way.c offers to other compiled modules: encoding with the fields of a stamp. */

#ifndef OTEL_EVENTS_DIRECT_WAY_H
#define OTEL_EVENTS_DIRECT_WAY_H

#include <Python.h>

#include "../stamps.h"

#define WAY_MODULE "otel_events.direct.way"
#define WAY_API_NAME "otel_events.direct.way.api"

typedef struct {
    PyTypeObject *type; /* Way */
    /* Return the record of an event; NULL where that is left to Python, or with an exception. */
    PyObject *(*encode)(PyObject *way, PyObject *event, const StampFields *stamp);
    /* Return what Python makes of an event that was left to it. */
    PyObject *(*encode_in_python)(PyObject *way, PyObject *event, PyObject *stamp);
} WayApi;

#endif
