package dev.sennit.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;

/** Runs code below a class initializer, where a virtual thread cannot suspend. */
public final class ClassInitializer {
    private ClassInitializer() {}

    /** A class that is defined anew for each run. */
    private static final class Runs {
        static {
            try {
                MethodHandles.classData(MethodHandles.lookup(), "_", Runnable.class).run();
            } catch (IllegalAccessException e) {
                throw new ExceptionInInitializerError(e);
            }
        }
    }

    /**
     * Wraps an action.
     *
     * @param action the action
     * @return a runnable that runs it below a class initializer, in classes without memory points
     */
    public static Runnable below(Runnable action) {
        return () -> {
            try (var in = ClassInitializer.class.getResourceAsStream("ClassInitializer$Runs.class")) {
                MethodHandles.lookup().defineHiddenClassWithClassData(in.readAllBytes(), action, true);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (IllegalAccessException e) {
                throw new AssertionError(e);
            }
        };
    }
}
