package dev.sennit.internal;

/** Names of classes for people. */
public final class ClassNames {
    private ClassNames() {}

    /** Returns the name of a class; for that of a lambda, the class in which the lambda was written. */
    public static String readable(Class<?> written) {
        String name = written.getName();
        int lambda = name.indexOf("$$Lambda");
        return lambda < 0 ? name : name.substring(0, lambda) + "::lambda";
    }
}
