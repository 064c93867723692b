package dev.sennit;

/** Names for tasks whose submitter gave none: made from the class, so that an error says where to look. */
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

    /** What the submitter wrote, without the library's own wrapping. */
    static Object written(Object body) {
        return body instanceof Wrapping wrapping ? written(wrapping.wrapped()) : body;
    }
}
