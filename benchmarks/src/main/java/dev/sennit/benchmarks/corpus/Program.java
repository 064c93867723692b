package dev.sennit.benchmarks.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** A program of a corpus in the JVM that is there for it, which can run it any number of times. */
final class Program {
    private final String main;
    private final FreshClasses classes;
    private final PrintStream answers;

    /**
     * Takes the JVM over: what the program prints is dropped, it has nothing to read, and the JVM ends with the one
     * that started it.
     *
     * @param main the name of the class with the main method
     * @param prefixes the beginnings of the names of the program's classes, separated by commas
     */
    Program(String main, String prefixes) {
        this.main = main;
        classes = FreshClasses.of(List.of(prefixes.split(",")));
        answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        InputStream starter = System.in;
        System.setIn(InputStream.nullInputStream());
        Thread.ofPlatform().daemon().name("starter").start(() -> haltAtEnd(starter));
    }

    private static void haltAtEnd(InputStream starter) {
        try {
            starter.transferTo(OutputStream.nullOutputStream());
        } catch (IOException _) {
            // it is gone, too
        }
        Runtime.getRuntime().halt(1);
    }

    /** Runs the program with classes of its own, in the calling thread, until its main method returns. */
    void run() throws Throwable {
        Class<?> loaded = Class.forName(main, false, classes.again());
        Method method = Arrays.stream(loaded.getDeclaredMethods())
                .filter(each -> each.getName().equals("main") && Modifier.isStatic(each.getModifiers()))
                .findFirst()
                .orElseThrow(() -> new NoSuchMethodException(main + ".main"));
        method.setAccessible(true);
        try {
            method.invoke(null, method.getParameterCount() == 0 ? new Object[0] : new Object[] {new String[0]});
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** Tells the JVM that started this one, in a line. */
    void answer(String line) {
        answers.println(line);
    }

    /** Ends the JVM, whatever threads there are. */
    void end() {
        Runtime.getRuntime().halt(0);
    }
}
