package dev.sennit;

/**
 * Names for tasks whose submitter gave no name, made from the class, so that an error tells where the task was written.
 */
final class TaskNames {
    private TaskNames() {}

    static String of(Object body) {
        return ofClass(written(body).getClass());
    }

    static String ofClass(Class<?> written) {
        String name = written.getName();
        int lambda = name.indexOf("$$Lambda");
        return lambda < 0 ? name : name.substring(0, lambda) + "::lambda";
    }

    /** Returns the object that the submitter wrote, without the library's wrappers. */
    static Object written(Object body) {
        return body instanceof Wrapping wrapping ? written(wrapping.wrapped()) : body;
    }
}
