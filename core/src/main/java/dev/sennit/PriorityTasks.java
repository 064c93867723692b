package dev.sennit;

import java.util.AbstractQueue;
import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Tasks ordered by {@link TaskOptions#priority}, the highest first, and then by arrival. */
final class PriorityTasks extends AbstractQueue<Submission<?>> {
    private record Ranked(Submission<?> task, int priority, long order) {
        static final Comparator<Ranked> BY_RANK =
                Comparator.comparingInt(Ranked::priority).reversed().thenComparingLong(Ranked::order);
    }

    private final PriorityBlockingQueue<Ranked> ranked = new PriorityBlockingQueue<>(11, Ranked.BY_RANK);
    private final AtomicLong added = new AtomicLong();

    @Override
    public boolean offer(Submission<?> task) {
        return ranked.offer(new Ranked(task, task.options().priority(), added.getAndIncrement()));
    }

    @Override
    public @Nullable Submission<?> poll() {
        Ranked first = ranked.poll();
        return first == null ? null : first.task;
    }

    @Override
    public @Nullable Submission<?> peek() {
        Ranked first = ranked.peek();
        return first == null ? null : first.task;
    }

    @Override
    public boolean removeIf(Predicate<? super Submission<?>> filter) {
        return ranked.removeIf(one -> filter.test(one.task));
    }

    @Override
    public Iterator<Submission<?>> iterator() {
        Collection<Submission<?>> all =
                ranked.stream().sorted(Ranked.BY_RANK).<Submission<?>>map(Ranked::task).toList();
        return all.iterator();
    }

    @Override
    public int size() {
        return ranked.size();
    }
}
