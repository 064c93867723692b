package dev.sennit.internal;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The hooks that a process runs before it halts because its parent is gone. {@link Runtime#halt} runs no shutdown
 * hooks, and the main class of a worker does not know the packages that have files to remove.
 */
public final class ExitHooks {
    /** One hook for each class that has one. */
    private static final List<Runnable> HOOKS = new CopyOnWriteArrayList<>();

    private ExitHooks() {}

    /**
     * Adds a hook, which stays for the life of this process.
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
