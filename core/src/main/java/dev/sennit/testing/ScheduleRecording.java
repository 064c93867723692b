package dev.sennit.testing;

import dev.sennit.testing.ScheduleRun.Ending;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The record of one schedule for its readers: the steps, and the accesses to memory within them. Only the driver
 * writes it, and nobody once the run is over.
 *
 * <p>Accesses are recorded where threads go on behind memory points. Those are {@linkplain #rows() told} whose order
 * matters: to what another thread has an access to as well, if one of both writes.
 */
final class ScheduleRecording {
    /** So many happenings are kept, the first ones: what follows is mostly a loop without end. */
    private static final int MOST_KEPT = 10_000;
    /** What a thread does in its last step. */
    static final String ENDS = "ends";
    /** Stands for the place of static fields, which belong to no object. */
    private static final Object NO_OBJECT = new Object();

    /** What a row tells. */
    enum Kind {
        ACCESS,
        /** The thread could have gone on, but another did. */
        PREEMPTED,
        /** The thread waits, yields or ends. */
        SUSPENDED,
        FAILED
    }

    /**
     * An action of a thread in a step.
     *
     * @param step the number of the step, from 1 on
     * @param thread the number of the thread
     * @param type the class; empty if no place in code is known
     * @param line 0 if it is unknown
     */
    record Row(int step, int thread, Kind kind, String does, String type, String method, String file, int line) {
        /** Returns whether the thread has only come back to where it waited before. */
        private boolean isAgain(@Nullable Row before) {
            return before != null && does.equals(before.does) && type.equals(before.type) && line == before.line;
        }

        /** Returns the name of the file without its ending. */
        String shortFile() {
            int dot = file.lastIndexOf('.');
            return dot < 0 ? file : file.substring(0, dot);
        }
    }

    private sealed interface Happening {}

    private record Access(int step, int thread, @Nullable Object place, int part, boolean writes, int site)
            implements Happening {}

    private record End(Row row) implements Happening {}

    /** The threads that have had an access to a part of an object. */
    private static final class Use {
        private final int first;
        private boolean byOthers;
        private boolean writes;

        Use(int first) {
            this.first = first;
        }
    }

    private final List<Step> steps = new ArrayList<>();
    /** The number of the thread of each step. */
    private final List<Integer> threads = new ArrayList<>();

    private final Map<Integer, String> names = new TreeMap<>();
    private final List<Happening> happenings = new ArrayList<>();
    private final List<Row> failures = new ArrayList<>();
    /** What is to be told; null until the end. */
    private @Nullable List<Row> rows;

    /** Adds what a thread does to memory now. */
    void access(Strand strand) {
        add(new Access(steps.size() + 1, strand.number, strand.place, strand.part, strand.writes, strand.site));
    }

    /** Adds a step, with the stacks of the thread before and after; null if it had not begun, or has ended. */
    void step(
            Strand strand,
            StackTraceElement @Nullable [] before,
            StackTraceElement @Nullable [] after,
            boolean madeWay) {
        Frames.Place to = after == null ? null : Frames.where(after);
        steps.add(new Step(
                strand.name(), before == null ? "start" : Frames.where(before).toString(),
                to == null ? "end" : to.toString()));
        threads.add(strand.number);
        names.put(strand.number, strand.name());
        if (to == null) {
            add(new End(row(strand, Kind.SUSPENDED, ENDS, null)));
        } else if (strand.ready && madeWay) {
            add(new End(row(strand, Kind.PREEMPTED, "preempted before it " + does(strand.part, strand.site), to)));
        } else {
            add(new End(row(strand, Kind.SUSPENDED, suspended(strand, to), to)));
        }
    }

    private static String suspended(Strand strand, Frames.Place at) {
        if (strand.ready) {
            return at.called().isEmpty() ? "yields in a loop" : at.called();
        }
        if (!at.called().isEmpty()) {
            return "waits in " + at.called();
        }
        return strand.sleeps
                ? "waits for a time"
                : strand.thread.getState() == Thread.State.BLOCKED ? "waits for a monitor" : "waits";
    }

    private void add(Happening one) {
        if (happenings.size() < MOST_KEPT) {
            happenings.add(one);
        }
    }

    private Row row(Strand strand, Kind kind, String does, Frames.@Nullable Place at) {
        StackTraceElement frame = at == null ? null : at.frame();
        if (frame == null) {
            return new Row(steps.size(), strand.number, kind, does, "", "", "", 0);
        }
        String type = frame.getClassName();
        String file = frame.getFileName();
        return new Row(
                steps.size(), strand.number, kind, does, type, frame.getMethodName(),
                file == null ? type.substring(type.lastIndexOf('.') + 1) : file, Math.max(0, frame.getLineNumber()));
    }

    private static String does(int part, int site) {
        String does = Sites.of(site).does();
        return part < 0 ? does + ' ' + ~part : does;
    }

    /** Adds how the run has ended, and the threads that wait. */
    void end(Ending ending, @Nullable Throwable cause, List<Strand> left, @Nullable Strand last) {
        if (rows != null) {
            return;
        }
        switch (ending) {
            case THREW -> {
                if (last != null && cause != null) {
                    String name = cause.getClass().getName();
                    String thrown = name.substring(Math.max(name.lastIndexOf('.'), name.lastIndexOf('$')) + 1);
                    failures.add(row(last, Kind.FAILED, "throws " + thrown, thrownAt(cause.getStackTrace())));
                }
            }
            case EXIT -> {
                if (last != null && cause != null) {
                    failures.add(row(last, Kind.FAILED, "ends the JVM", thrownAt(cause.getStackTrace())));
                }
            }
            case STEP_LIMIT -> {
                if (last != null) {
                    StackTraceElement[] stack = last.suspended;
                    failures.add(row(last, Kind.FAILED, "goes on without end",
                            stack == null ? null : Frames.where(stack)));
                }
            }
            case DEADLOCK -> left.forEach(strand -> {
                StackTraceElement[] stack = strand.suspended;
                failures.add(row(strand, Kind.FAILED, "waits for ever", stack == null ? null : Frames.where(stack)));
            });
            case PASSED, OUTSIDE, REAL_TIME, DATA_RACE -> {}
        }
        rows = List.copyOf(told());
        happenings.clear(); // a failure is kept for long, and must not keep the objects of the body
    }

    /** Returns the topmost frame in a class that is known: not in a library of assertions. */
    private Frames.Place thrownAt(StackTraceElement[] stack) {
        Set<String> known = new HashSet<>();
        for (Happening one : happenings) {
            if (one instanceof End end) {
                known.add(outer(end.row.type));
            }
        }
        for (StackTraceElement frame : stack) {
            if (known.contains(outer(frame.getClassName()))) {
                return new Frames.Place(frame, "");
            }
        }
        return Frames.where(stack);
    }

    private static String outer(String type) {
        int nested = type.indexOf('$');
        return nested < 0 ? type : type.substring(0, nested);
    }

    List<Step> steps() {
        return List.copyOf(steps);
    }

    /** Returns the names of the threads by their numbers. */
    Map<Integer, String> names() {
        return names;
    }

    /** Returns what is to be told, in order, once the run has ended. */
    List<Row> rows() {
        return Objects.requireNonNull(rows, "the run has not ended");
    }

    private List<Row> told() {
        Map<Object, Map<Integer, Use>> uses = uses();
        Map<Object, String> labels = labels(uses);
        boolean threw = !failures.isEmpty() && failures.getFirst().does.startsWith("throws ");
        List<Row> told = new ArrayList<>();
        Map<Integer, Row> before = new HashMap<>();
        for (Happening one : happenings) {
            switch (one) {
                case Access access -> {
                    if (matters(access, uses)) {
                        Sites.Site site = Sites.of(access.site);
                        String label = labels.getOrDefault(key(access.place), "");
                        told.add(new Row(access.step, access.thread, Kind.ACCESS,
                                does(access.part, access.site) + label, site.type(), site.method(), site.file(),
                                site.line()));
                        before.remove(access.thread);
                    }
                }
                case End(Row row) -> {
                    boolean isLast = row.step == threads.size();
                    boolean goesOn = !isLast && threads.get(row.step).equals(row.thread);
                    boolean isTold = row.kind == Kind.PREEMPTED
                            ? !isLast && !goesOn
                            : !(isLast && threw) && !row.isAgain(before.get(row.thread));
                    if (isTold) {
                        told.add(row);
                        before.put(row.thread, row);
                    }
                }
            }
        }
        told.addAll(failures);
        return told;
    }

    private static Object key(@Nullable Object place) {
        return place == null ? NO_OBJECT : place;
    }

    private Map<Object, Map<Integer, Use>> uses() {
        Map<Object, Map<Integer, Use>> uses = new IdentityHashMap<>();
        for (Happening one : happenings) {
            if (one instanceof Access access && !initializes(access)) {
                Use use = uses.computeIfAbsent(key(access.place), _ -> new HashMap<>())
                        .computeIfAbsent(access.part, _ -> new Use(access.thread));
                use.byOthers |= access.thread != use.first;
                use.writes |= access.writes;
            }
        }
        return uses;
    }

    private static boolean matters(Access access, Map<Object, Map<Integer, Use>> uses) {
        if (access.place == Strand.ANYWHERE) {
            return Sites.of(access.site).verb().equals(PointWriter.CALLS);
        }
        Use use = initializes(access)
                ? null
                : uses.getOrDefault(key(access.place), Map.of()).get(access.part);
        return use != null && use.byOthers && use.writes;
    }

    /** Returns whether an access comes before others may have the object. */
    private static boolean initializes(Access access) {
        return Sites.of(access.site).method().startsWith("<");
    }

    /** Returns numbers for objects, if several of one class are told of. */
    private Map<Object, String> labels(Map<Object, Map<Integer, Use>> uses) {
        Map<Class<?>, List<Object>> byClass = new HashMap<>();
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Happening one : happenings) {
            if (one instanceof Access access
                    && access.place != null
                    && access.place != Strand.ANYWHERE
                    && matters(access, uses)
                    && seen.add(access.place)) {
                byClass.computeIfAbsent(access.place.getClass(), _ -> new ArrayList<>()).add(access.place);
            }
        }
        Map<Object, String> labels = new IdentityHashMap<>();
        byClass.values().stream().filter(all -> all.size() > 1).forEach(all -> {
            for (int i = 0; i < all.size(); i++) {
                labels.put(all.get(i), " #" + (i + 1));
            }
        });
        return labels;
    }
}
