package dev.sennit;

/** Names for tasks whose submitter gave none: made from the class, so that an error says where to look. */
final class TaskNames {
    private TaskNames() {}

    static String of(Object body) {
        Object original = body instanceof RunnableTask<?> task ? task.runnable() : body;
        String name = original.getClass().getName();
        int lambda = name.indexOf("$$Lambda");
        return lambda < 0 ? name : name.substring(0, lambda) + "::lambda";
    }
}
