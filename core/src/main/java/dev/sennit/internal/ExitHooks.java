package dev.sennit.internal;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The hooks that a process runs before it halts because its parent is gone. {@link Runtime#halt} runs no shutdown hooks, and a worker process knows
 * none of the packages that leave something behind.
 */
public final class ExitHooks {
    /** As many as there are classes with a hook. */
    private static final List<Runnable> HOOKS = new CopyOnWriteArrayList<>();

    private ExitHooks() {}

    /**
     * Adds a hook, which stays for the life of this process.
     *
     * @param hook what to do; may be run several times, takes a second at most
     */
    public static void add(Runnable hook) {
        HOOKS.add(hook);
    }

    /** Runs all hooks, one after another, whatever one of them throws. */
    public static void run() {
        for (Runnable hook : HOOKS) {
            try {
                hook.run();
            } catch (Throwable e) {
                // no memory to be had, say: the next program removes what the hook leaves
            }
        }
    }
}
