package dev.sennit;

import dev.sennit.internal.Nearest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The settings that all kinds of pool share, and the parsing of a plan's options.
 *
 * @param <B> the builder itself
 */
public abstract class PoolBuilder<B extends PoolBuilder<B>> {
    /** The backlog of a pool that is never full. */
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
     * @param kind the kind of pool, used for the default name
     */
    protected PoolBuilder(String kind) {
        this.kind = kind;
    }

    /**
     * Returns this builder.
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
     * Sets the name of the pool in errors, listings and thread names. The default is the kind and a number. In a plan:
     * {@code name=}.
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
     * Sets how many tasks may wait for a worker; the default is {@link #UNBOUNDED}. In a plan: {@code backlog=}. Kinds
     * that start any number of tasks at once refuse to open with a backlog, unless they have a limit.
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
     * Sets what {@code submit} does when the backlog is full; the default is {@link BacklogPolicy#BLOCK}. In a plan:
     * {@code full=block}, {@code full=reject}, {@code full=caller-runs}.
     *
     * @param policy the policy
     * @return this
     */
    public B whenFull(BacklogPolicy policy) {
        whenFull = Objects.requireNonNull(policy, "policy");
        return self();
    }

    /**
     * Sets whether a task's failure that the program never asks for is logged: see {@link TaskFuture}. The default is
     * true. The system property {@code sennit.unasked=off} turns it off for all pools. In a plan: {@code unasked=on},
     * {@code unasked=off}.
     *
     * @param told whether to log such failures
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
     * Returns the setters of the options that a plan may have, by name. A kind overrides this to add its own options.
     *
     * @return the setters, in a modifiable map
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
     * Sets an option whose name is partly the user's, such as {@code env.PATH}, so that {@link #planOptions} cannot
     * list it.
     *
     * @param option its name
     * @param value its value
     * @return false if the option is unknown; the default is false
     */
    protected boolean planOption(String option, String value) {
        return false;
    }

    /**
     * Sets the number of workers from a plan.
     *
     * @param count the plan's argument
     */
    protected abstract void planArgument(String count);

    /**
     * Applies all settings of a plan.
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
     * Parses a whole number.
     *
     * @param what the name of the setting, for the message
     * @param text the digits
     * @return the number
     * @throws IllegalArgumentException if the text is not a whole number
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
     * @param what the name of the setting, for the message
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
     * Returns the backlog, once it is known to have an effect.
     *
     * @param workers how many tasks run at once
     * @throws IllegalArgumentException if no task would ever wait, or the pool would never be full
     */
    final int boundFor(int workers) {
        if (backlog != UNBOUNDED && workers == Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "backlog needs a limit, was " + backlog + " without one: every task is started at once,"
                            + " and none waits; say how many may run, as in " + kind + ":100?backlog=" + backlog);
        }
        if (!hasBacklog && whenFull != null && whenFull != BacklogPolicy.BLOCK) {
            throw new IllegalArgumentException(
                    "full needs a backlog, was " + whenFull
                            + " without one: the pool would never be full; add backlog=");
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
