package dev.sennit.internal.boot;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The main class of a process that borrows the library from its parent, as its own class path has only this package.
 *
 * <p>The parent removes the jar of this package once the process is connected, so all its classes are loaded before
 * that.
 */
public final class BorrowedMain {
    private static final int MAIN = 2;

    private BorrowedMain() {}

    /**
     * Runs the main class named in the arguments.
     *
     * @param arguments the socket of the parent, the number of the parent's loader that has the library, the name of
     *     the main class, and its arguments
     * @throws Throwable if that main class throws it
     */
    public static void main(String[] arguments) throws Throwable {
        for (Class<?> own : new Class<?>[] {ParentClasses.class, ParentLoader.class}) {
            for (Class<?> member : own.getNestMembers()) {
                Class.forName(member.getName());
            }
        }
        ParentClasses.connect(Path.of(arguments[0]));
        ClassLoader library = ParentClasses.borrowLibrary(Integer.parseInt(arguments[1]));
        Thread.currentThread().setContextClassLoader(library);
        Method main = Class.forName(arguments[MAIN], true, library).getDeclaredMethod("main", String[].class);
        main.setAccessible(true); // its class is not public
        try {
            main.invoke(null, (Object) Arrays.copyOfRange(arguments, MAIN + 1, arguments.length));
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
