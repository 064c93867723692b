package dev.sennit.manager;

import dev.sennit.manager.wire.ListOperations;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A list in a manager's server. */
final class HostedList implements ListOperations {
    /** Guarded by this. */
    private final List<@Nullable Object> elements = new ArrayList<>();
    /** Guarded by this. How many times the list was changed. */
    private long version;
    /** Guarded by this. How many of these changes moved elements. */
    private long shape;

    private void moved() {
        version++;
        shape++;
    }

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
        moved();
        elements.add(element);
    }

    @Override
    public synchronized void add(int index, @Nullable Object element) {
        moved();
        elements.add(index, element);
    }

    @Override
    public synchronized void addAll(int index, @Nullable Object[] more) {
        moved();
        elements.addAll(index, Arrays.asList(more));
    }

    @Override
    public synchronized void appendAll(@Nullable Object[] more) {
        moved();
        elements.addAll(Arrays.asList(more));
    }

    @Override
    public synchronized @Nullable Object remove(int index) {
        moved();
        return elements.remove(index);
    }

    @Override
    public synchronized boolean removeFirst(@Nullable Object element) {
        moved();
        return elements.remove(Probe.of(element));
    }

    @Override
    public synchronized @Nullable Object getLast() {
        return elements.getLast();
    }

    @Override
    public synchronized @Nullable Object removeLast() {
        moved();
        return elements.removeLast();
    }

    @Override
    public synchronized void clear() {
        moved();
        elements.clear();
    }

    @Override
    public synchronized int indexOf(@Nullable Object element) {
        return elements.indexOf(Probe.of(element));
    }

    @Override
    public synchronized int lastIndexOf(@Nullable Object element) {
        return elements.lastIndexOf(Probe.of(element));
    }

    @Override
    public synchronized @Nullable Object[] snapshot(int from, int to) {
        int end = Math.min(to, elements.size());
        List<@Nullable Object> copy = new ArrayList<>();
        copy.add(version);
        copy.add(shape);
        copy.addAll(elements.subList(Math.min(from, end), end));
        return copy.toArray();
    }

    @Override
    public synchronized boolean splice(
            long seenVersion, long seenShape, int from, int to, @Nullable Object[] replacement) {
        if (seenShape != shape || seenVersion != version && seenVersion != ANY) {
            return false;
        }
        List<@Nullable Object> range = elements.subList(from, to);
        version++;
        shape += range.size() == replacement.length ? 0 : 1;
        range.clear();
        range.addAll(Arrays.asList(replacement));
        return true;
    }
}
