/**
 * Task queues that programs in Python share by RQ: workers in Java serve what RQ's producers enqueue, programs in Java
 * call functions that RQ's workers run. Jobs are JSON, by RQ's {@code JSONSerializer}.
 */
@NullMarked
package dev.sennit.queue.rq;

import org.jspecify.annotations.NullMarked;
