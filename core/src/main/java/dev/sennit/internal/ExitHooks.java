package dev.sennit.internal;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * What a process does before it ends: as the JVM shuts down, and before it halts because its parent is gone. {@link
 * Runtime#halt} runs no shutdown hooks, and the main class of a worker does not know the packages that have files to
 * remove.
 */
public final class ExitHooks {
    /** One hook for each class that has one. */
    private static final List<Runnable> HOOKS = new CopyOnWriteArrayList<>();

    private ExitHooks() {}

    /**
     * Adds a hook of the JVM's shutdown. Does nothing while the JVM shuts down: a class that is first used then has
     * nothing to clean up, and shall not fail.
     *
     * @param hook run in a thread of its own; must not wait for others
     * @param thread the thread's name
     */
    public static void addToShutdown(Runnable hook, String thread) {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(hook, thread));
        } catch (IllegalStateException e) {
            // it shuts down: what this class makes from now on is removed by the next program
        }
    }

    /**
     * Adds a hook before a halt, which stays for the life of this process.
     *
     * @param hook the hook; may be run several times, and must take a second at most
     */
    public static void add(Runnable hook) {
        HOOKS.add(hook);
    }

    /** Runs all hooks, one after another, even if some throw. */
    public static void run() {
        for (Runnable hook : HOOKS) {
            try {
                hook.run();
            } catch (Throwable e) {
                // out of memory, for example: the next program removes the files that the hook leaves
            }
        }
    }
}
