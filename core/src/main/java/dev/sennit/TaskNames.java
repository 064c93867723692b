package dev.sennit;

import dev.sennit.internal.ClassNames;

/**
 * Names for tasks whose submitter gave no name, made from the class, so that an error tells where the task was written.
 */
final class TaskNames {
    private TaskNames() {}

    static String of(Object body) {
        return ofClass(written(body).getClass());
    }

    static String ofClass(Class<?> written) {
        return ClassNames.readable(written);
    }

    /** Returns the object that the submitter wrote, without the library's wrappers. */
    static Object written(Object body) {
        return body instanceof Wrapping wrapping ? written(wrapping.wrapped()) : body;
    }
}
