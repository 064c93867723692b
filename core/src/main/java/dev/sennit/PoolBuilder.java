package dev.sennit;

import dev.sennit.internal.Nearest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The settings that all kinds share, and the way a plan's words become calls of a builder.
 *
 * @param <B> the builder itself
 */
public abstract class PoolBuilder<B extends PoolBuilder<B>> {
    /** The backlog of a pool that never says it is full. */
    public static final int UNBOUNDED = Integer.MAX_VALUE;

    private static final AtomicInteger OPENED = new AtomicInteger();

    private final String kind;
    private @Nullable String name;
    private int backlog = UNBOUNDED;
    private boolean hasBacklog;
    private @Nullable BacklogPolicy whenFull;
    private boolean unasked = true;

    /**
     * Creates a builder with the defaults: a numbered name and no bound.
     *
     * @param kind the kind of pool, from which a name is made
     */
    protected PoolBuilder(String kind) {
        this.kind = kind;
    }

    /**
     * This builder.
     *
     * @return this
     */
    protected abstract B self();

    /**
     * Opens the pool.
     *
     * @return an open pool
     */
    public abstract Pool open();

    /**
     * What errors, listings and thread names call the pool. The default is the kind and a number. In a plan: {@code
     * name=}.
     *
     * @param newName the name
     * @return this
     * @throws IllegalArgumentException if it is blank
     */
    public B name(String newName) {
        if (newName.isBlank()) {
            throw new IllegalArgumentException("name must not be blank");
        }
        name = newName;
        return self();
    }

    /**
     * How many tasks may wait for a worker; the default is {@link #UNBOUNDED}. In a plan: {@code backlog=}. Kinds that start any
     * number of tasks at once refuse to open with one, unless they are given a limit.
     *
     * @param tasks the bound, 0 or more
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public B backlog(int tasks) {
        backlog = atLeast("backlog", tasks, 0);
        hasBacklog = true;
        return self();
    }

    /**
     * What {@code submit} does when the backlog is full; the default is {@link BacklogPolicy#BLOCK}. In a plan: {@code
     * full=block}, {@code full=reject}, {@code full=caller-runs}.
     *
     * @param policy what to do
     * @return this
     */
    public B whenFull(BacklogPolicy policy) {
        whenFull = Objects.requireNonNull(policy, "policy");
        return self();
    }

    /**
     * Whether a task's failure that nobody asks for is logged: see {@link TaskFuture}. The default is true, unless the system
     * property {@code sennit.unasked} is {@code off}, which counts for all pools. In a plan: {@code unasked=on}, {@code unasked=off}.
     *
     * @param told false for silence
     * @return this
     */
    public B unasked(boolean told) {
        unasked = told;
        return self();
    }

    private void unasked(String word) {
        switch (word) {
            case "on" -> unasked(true);
            case "off" -> unasked(false);
            default -> throw new IllegalArgumentException("unasked must be on or off, was \"" + word + "\"");
        }
    }

    /**
     * The options that a plan may set, by name. A kind adds its own to what it gets from here.
     *
     * @return what to do with each value
     */
    protected Map<String, Consumer<String>> planOptions() {
        Map<String, Consumer<String>> options = new LinkedHashMap<>();
        options.put("name", this::name);
        options.put("backlog", value -> backlog(number("backlog", value)));
        options.put("full", value -> whenFull(BacklogPolicy.parse(value)));
        options.put("unasked", this::unasked);
        return options;
    }

    /**
     * Takes an option whose name is partly the user's, as that of {@code env.PATH} is, so that {@link #planOptions} cannot
     * list it.
     *
     * @param option its name
     * @param value its value
     * @return false if it is unknown, which it is here
     */
    protected boolean planOption(String option, String value) {
        return false;
    }

    /**
     * Takes the number of workers from a plan.
     *
     * @param count what the plan's argument says
     */
    protected abstract void planArgument(String count);

    /**
     * Takes over everything that a plan says.
     *
     * @param plan the plan
     * @return this
     * @throws IllegalArgumentException naming the plan, the option, its bound and the value
     */
    public final B plan(Plan plan) {
        Map<String, Consumer<String>> known = planOptions();
        try {
            if (plan.argument() != null) {
                planArgument(plan.argument());
            }
            for (var option : plan.options().entrySet()) {
                Consumer<String> setter = known.get(option.getKey());
                if (setter == null && !planOption(option.getKey(), option.getValue())) {
                    throw new IllegalArgumentException("unknown option \"" + option.getKey() + "\": expected "
                            + String.join(", ", known.keySet())
                            + Nearest.hint(option.getKey(), known.keySet()));
                }
                if (setter != null) {
                    setter.accept(option.getValue());
                }
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("plan \"" + plan + "\": " + e.getMessage(), e);
        }
        return self();
    }

    /**
     * Reads a whole number.
     *
     * @param what what it is for, for the message
     * @param text the digits
     * @return the number
     * @throws IllegalArgumentException if it is none
     */
    protected static int number(String what, String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(what + " must be a whole number, was \"" + text + "\"", e);
        }
    }

    /**
     * Checks a lower bound.
     *
     * @param what what the number is for, for the message
     * @param value the number
     * @param least the bound
     * @return the number
     * @throws IllegalArgumentException if it is less
     */
    protected static int atLeast(String what, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(what + " must be >= " + least + ", was " + value);
        }
        return value;
    }

    /**
     * The bound that was asked for, which holds.
     *
     * @param workers how many tasks run at once
     * @throws IllegalArgumentException if none would ever wait, and so nothing would be bounded
     */
    final int boundFor(int workers) {
        if (backlog != UNBOUNDED && workers == Integer.MAX_VALUE) {
            throw new IllegalArgumentException("backlog needs a limit, was " + backlog + " without one: every task is started at once,"
                    + " and none waits; say how many may run, as in " + kind + ":100?backlog=" + backlog);
        }
        if (!hasBacklog && whenFull != null && whenFull != BacklogPolicy.BLOCK) {
            throw new IllegalArgumentException(
                    "full needs a backlog, was " + whenFull + " without one: the pool would never be full; add backlog=");
        }
        return backlog;
    }

    final BacklogPolicy whenFull() {
        return whenFull == null ? BacklogPolicy.BLOCK : whenFull;
    }

    final boolean tellsUnasked() {
        return unasked;
    }

    final String nameOrNext() {
        return name != null ? name : kind + "-" + OPENED.incrementAndGet();
    }
}
