package dev.sennit.cli.command;

import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolProvider;
import dev.sennit.Pools;
import dev.sennit.WorkerStartException;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The pools that a command has open.
 *
 * <p>A signal ends the JVM in the middle of a command: then nothing more is printed, running tasks are cancelled, and
 * the workers get a moment to end, so that a spinner wipes its line and no process is left behind. The JVM itself sets
 * the exit code (130 after Ctrl-C).
 */
public final class OpenPools implements AutoCloseable {
    private static final long MILLIS_TO_GO = 2000;

    private final Terminal terminal;
    private final Set<Pool> pools = ConcurrentHashMap.newKeySet();
    private final Runnable afterSignal;
    private final Thread onSignal;

    public OpenPools(Terminal terminal) {
        this(terminal, () -> {});
    }

    /** Creates pools that also run an action after a signal, when the workers have ended. */
    public OpenPools(Terminal terminal, Runnable afterSignal) {
        this.terminal = terminal;
        this.afterSignal = afterSignal;
        onSignal = new Thread(this::endNow, "sennit-signal");
        Runtime.getRuntime().addShutdownHook(onSignal);
    }

    public static Plan parse(String plan) {
        try {
            return Plan.parse(plan);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(CommandException.oneLine(e), e);
        }
    }

    /** Returns whether plans of a kind have a number of workers. */
    public static boolean takesCount(String kind) {
        for (PoolProvider provider : ServiceLoader.load(PoolProvider.class)) {
            if (provider.kind().equals(kind)) {
                return provider.syntax().contains(":N");
            }
        }
        return false;
    }

    /**
     * Opens a pool.
     *
     * @throws CommandException if the plan is bad, or the pool cannot start
     */
    public Pool open(Plan plan) {
        try {
            Pool pool = Pools.open(plan);
            pools.add(pool);
            return pool;
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(CommandException.oneLine(e), e);
        } catch (RuntimeException | Error e) {
            throw CommandException.couldNotStart(
                    "plan " + plan + ": could not start: " + CommandException.taskFailure(e), e);
        }
    }

    /**
     * Distinguishes a task's failure from a pool's: if no worker starts, the first failed task ends the command.
     *
     * @throws CommandException if the pool could not start a worker
     */
    public static void ensureStarted(String plan, Throwable failure) {
        if (failure instanceof WorkerStartException e) {
            throw CommandException.couldNotStart("plan " + plan + ": " + CommandException.oneLine(e), e);
        }
    }

    public void close(Pool pool) {
        pool.close();
        pools.remove(pool);
    }

    /** Cancels running tasks: a command that ends early does not wait for work whose result is not wanted. */
    @Override
    public void close() {
        cancelAll();
        try {
            Runtime.getRuntime().removeShutdownHook(onSignal);
        } catch (IllegalStateException e) {
            // the JVM is ending already, and runs the hook
        }
    }

    private void endNow() {
        terminal.silence();
        cancelAll();
        afterSignal.run();
    }

    private void cancelAll() {
        pools.forEach(Pool::shutdownNow);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MILLIS_TO_GO);
        try {
            for (Pool pool : pools) { // a task that ignores interrupts ends with the JVM
                pool.awaitTermination(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
