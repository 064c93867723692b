package dev.sennit.process;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A list in a manager's server. */
final class HostedList implements ListOperations {
    /** Guarded by this. */
    private final List<@Nullable Object> elements = new ArrayList<>();
    /** Guarded by this. How often it was changed. */
    private long version;

    @Override
    public synchronized int size() {
        return elements.size();
    }

    @Override
    public synchronized @Nullable Object get(int index) {
        return elements.get(index);
    }

    @Override
    public synchronized @Nullable Object set(int index, @Nullable Object element) {
        version++;
        return elements.set(index, element);
    }

    @Override
    public synchronized void append(@Nullable Object element) {
        version++;
        elements.add(element);
    }

    @Override
    public synchronized void add(int index, @Nullable Object element) {
        version++;
        elements.add(index, element);
    }

    @Override
    public synchronized void addAll(int index, @Nullable Object[] more) {
        version++;
        elements.addAll(index, Arrays.asList(more));
    }

    @Override
    public synchronized void appendAll(@Nullable Object[] more) {
        version++;
        elements.addAll(Arrays.asList(more));
    }

    @Override
    public synchronized @Nullable Object remove(int index) {
        version++;
        return elements.remove(index);
    }

    @Override
    public synchronized boolean removeFirst(@Nullable Object element) {
        version++;
        return elements.remove(element);
    }

    @Override
    public synchronized void removeRange(int from, int to) {
        version++;
        elements.subList(from, to).clear();
    }

    @Override
    public synchronized int indexOf(@Nullable Object element) {
        return elements.indexOf(element);
    }

    @Override
    public synchronized int lastIndexOf(@Nullable Object element) {
        return elements.lastIndexOf(element);
    }

    @Override
    public synchronized @Nullable Object[] snapshot() {
        @Nullable Object[] copy = new @Nullable Object[elements.size() + 1];
        copy[0] = version;
        for (int i = 0; i < elements.size(); i++) {
            copy[i + 1] = elements.get(i);
        }
        return copy;
    }

    @Override
    public synchronized boolean replace(long seen, @Nullable Object[] replacement) {
        if (seen != version) {
            return false;
        }
        version++;
        elements.clear();
        elements.addAll(Arrays.asList(replacement));
        return true;
    }
}
