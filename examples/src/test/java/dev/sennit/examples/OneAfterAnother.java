package dev.sennit.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.List;
import java.util.Timer;
import java.util.TimerTask;

/**
 * Runs examples one after another in this JVM. Each line of standard input is the name of an example, and its
 * arguments; a line follows what the example prints, with the exit code that a JVM of its own would have had.
 *
 * <p>As in a JVM of its own, an example has ended when its other threads have, but for daemons. Beyond that, the
 * processes that it has started have to end: the next example would have them, too. An example that does not end within
 * a limit ends this JVM.
 */
final class OneAfterAnother {
    /** Begins the line that follows an example's output. */
    static final String ENDED = "==== ended with ";

    private OneAfterAnother() {}

    /** Takes the limit in milliseconds. */
    public static void main(String[] arguments) throws Exception {
        long limit = Long.parseLong(arguments[0]);
        var names = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        System.setIn(InputStream.nullInputStream());
        for (String line = names.readLine(); line != null; line = names.readLine()) {
            var timer = new Timer("limit of " + line, true);
            timer.schedule(end(line), limit);
            int exitCode = run(line.split(" "));
            awaitEndOfAll();
            timer.cancel();
            System.out.println(ENDED + exitCode);
        }
    }

    private static int run(String[] words) throws Exception {
        var main = Class.forName(OneAfterAnother.class.getPackageName() + "." + words[0]).getMethod("main",
                String[].class);
        try {
            main.invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
            return 0;
        } catch (InvocationTargetException e) {
            Thread self = Thread.currentThread();
            self.getThreadGroup().uncaughtException(self, e.getCause()); // prints it as a JVM does
            return 1;
        }
    }

    private static void awaitEndOfAll() throws InterruptedException {
        for (var left = threads(); !left.isEmpty(); left = threads()) {
            left.getFirst().join();
        }
        ProcessHandle.current().children().forEach(child -> child.onExit().join());
    }

    private static List<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !thread.isDaemon() && thread != Thread.currentThread())
                .toList();
    }

    private static TimerTask end(String line) {
        return new TimerTask() {
            @Override
            public void run() {
                System.err.println(line + " has not ended in time; processes: "
                        + ProcessHandle.current().children().toList() + "; threads:");
                Thread.getAllStackTraces()
                        .forEach((thread, stack) -> System.err.println(thread + " " + Arrays.toString(stack)));
                Runtime.getRuntime().halt(1);
            }
        };
    }
}
