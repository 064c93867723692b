package dev.sennit.benchmarks.corpus;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/** Methods that rewritten programs call where they had made platform threads: the same, of virtual threads. */
public final class ScheduledThreads {
    private static final String NONE = "";

    private ScheduledThreads() {}

    public static Thread thread() {
        return thread(() -> {});
    }

    public static Thread thread(@Nullable Runnable task) {
        return thread(task, NONE);
    }

    public static Thread thread(String name) {
        return thread(() -> {}, name);
    }

    public static Thread thread(@Nullable Runnable task, String name) {
        return Thread.ofVirtual().name(name).unstarted(task == null ? () -> {} : task);
    }

    public static Thread thread(@Nullable ThreadGroup group, @Nullable Runnable task) {
        return thread(task);
    }

    public static Thread thread(@Nullable ThreadGroup group, String name) {
        return thread(name);
    }

    public static Thread thread(@Nullable ThreadGroup group, @Nullable Runnable task, String name) {
        return thread(task, name);
    }

    public static ExecutorService newFixedThreadPool(int threads) {
        return Executors.newFixedThreadPool(threads, factory());
    }

    public static ExecutorService newFixedThreadPool(int threads, ThreadFactory own) {
        return Executors.newFixedThreadPool(threads, own);
    }

    public static ExecutorService newCachedThreadPool() {
        return Executors.newCachedThreadPool(factory());
    }

    public static ExecutorService newCachedThreadPool(ThreadFactory own) {
        return Executors.newCachedThreadPool(own);
    }

    public static ExecutorService newSingleThreadExecutor() {
        return Executors.newSingleThreadExecutor(factory());
    }

    public static ExecutorService newSingleThreadExecutor(ThreadFactory own) {
        return Executors.newSingleThreadExecutor(own);
    }

    public static ScheduledExecutorService newScheduledThreadPool(int threads) {
        return Executors.newScheduledThreadPool(threads, factory());
    }

    public static ScheduledExecutorService newSingleThreadScheduledExecutor() {
        return Executors.newSingleThreadScheduledExecutor(factory());
    }

    private static ThreadFactory factory() {
        return Thread.ofVirtual().factory();
    }
}
