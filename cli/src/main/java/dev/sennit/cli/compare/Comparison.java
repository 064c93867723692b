package dev.sennit.cli.compare;

import dev.sennit.Plan;
import dev.sennit.Task;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.ProcessFigures;
import dev.sennit.cli.command.ProgressBar;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs a workload on several plans in turn.
 *
 * <h2>Order</h2>
 *
 * Plans are measured in rounds - A, B, C, A, B, C - so that other load on the machine affects all of them. Pools stay
 * open from round to round, and their workers stay warm. With worker counts there is a group of pools for each count,
 * one after the other, as all at once may not fit into memory; plans without a count are in every group.
 *
 * <h2>Rounds</h2>
 *
 * If their number is not given, as many rounds are run as fit the time budget: an odd number, at least 3.
 *
 * <h2>Truth</h2>
 *
 * Inline is always among the plans and runs first; all other plans must give the same results.
 */
final class Comparison {
    static final String INLINE = "inline";

    private static final int FEWEST_ROUNDS = 3;
    private static final int MOST_ROUNDS = 25;
    private static final long BUDGET_NANOS = TimeUnit.SECONDS.toNanos(15);
    private static final long BUDGET_NANOS_WITH_COUNTS = TimeUnit.SECONDS.toNanos(60);

    private final Workload workload;
    private final List<Plan> plans;
    private final List<Integer> counts;
    private final OpenPools pools;
    private final ProgressBar bar;

    /** 0 to choose the number. */
    private final int rounds;
    private int measured;
    private List<@Nullable Object> expected = List.of();

    /**
     * Sets a comparison up.
     *
     * @param workload what to run
     * @param plans where to run it; inline is added in front if it is missing
     * @param counts worker counts for the plans whose kind takes one, or none to take the plans as they are
     * @param rounds how often to measure each, or 0 to choose the number
     * @throws CommandException if a plan has a count of its own beside {@code counts}
     */
    Comparison(Workload workload, List<Plan> plans, List<Integer> counts, int rounds, OpenPools pools,
            ProgressBar bar) {
        this.workload = workload;
        this.plans = new ArrayList<>(plans);
        if (plans.stream().noneMatch(plan -> plan.kind().equals(INLINE))) {
            this.plans.addFirst(Plan.parse(INLINE));
        }
        this.counts = List.copyOf(counts);
        this.rounds = rounds;
        this.pools = pools;
        this.bar = bar;
        if (!counts.isEmpty()) {
            this.plans.stream().filter(plan -> plan.argument() != null).findFirst().ifPresent(plan -> {
                throw CommandException.usage("plan " + plan + ": has a worker count beside --workers: leave one out");
            });
        }
    }

    /**
     * Runs the comparison.
     *
     * @return the measurements, in the order of the plans and of their counts
     * @throws CommandException if a plan is bad, before anything runs; or if the workload fails on inline
     */
    List<Measurement> run() {
        boolean counting = !counts.isEmpty();
        List<Candidate> fixed = new ArrayList<>();
        List<Candidate> everyone = new ArrayList<>();
        for (Integer count : counting ? counts : List.of(0)) {
            List<Candidate> counted = new ArrayList<>();
            boolean first = everyone.isEmpty();
            for (int i = 0; i < plans.size(); i++) {
                Plan plan = plans.get(i);
                if (counting && OpenPools.takesCount(plan.kind())) {
                    counted.add(open(i, new Plan(plan.kind(), count.toString(), plan.options())));
                } else if (first) {
                    fixed.add(open(i, plan));
                }
            }
            if (first) {
                runBaseline(fixed);
                fixed.forEach(this::warmUp);
                everyone.addAll(fixed);
            }
            counted.forEach(this::warmUp);
            everyone.addAll(counted);
            runGroup(inOrder(fixed, counted), counting ? counts.size() : 1);
            counted.forEach(candidate -> pools.close(candidate.pool()));
        }
        bar.wipe();
        return inOrder(everyone, List.of()).stream().map(Candidate::measurement).toList();
    }

    private Candidate open(int order, Plan plan) {
        bar.show(0, 0, "starting " + plan);
        Set<Long> before = ProcessFigures.descendants();
        var candidate = new Candidate(order, plan, pools.open(plan));
        candidate.awaitStart(before);
        return candidate;
    }

    private static List<Candidate> inOrder(List<Candidate> some, List<Candidate> others) {
        List<Candidate> all = new ArrayList<>(some);
        all.addAll(others);
        all.sort(Comparator.comparingInt(Candidate::order)); // stable: counts keep their order
        return all;
    }

    /** Runs inline for the results that all others must give; this also warms up this JVM. */
    private void runBaseline(List<Candidate> fixed) {
        Candidate baseline = fixed.stream()
                .filter(candidate -> candidate.plan().kind().equals(INLINE))
                .findFirst()
                .orElseThrow();
        bar.show(0, 0, "first run, inline");
        try {
            expected = workload.division().run(baseline.pool(), workload.tasks());
        } catch (CommandException e) {
            throw CommandException.failed("workload " + workload.name() + " fails on inline already: " + e.getMessage(),
                    e);
        }
    }

    private void warmUp(Candidate candidate) {
        if (!candidate.failed() && !candidate.plan().kind().equals(INLINE)) {
            bar.show(0, 0, "warming up " + candidate.plan());
            candidate.warmUp(workload.tasks());
        }
    }

    private void runGroup(List<Candidate> group, int groups) {
        long start = System.nanoTime();
        int round = 0;
        int wanted = rounds;
        do {
            round++;
            for (Candidate candidate : group) {
                bar.show(measured++, wanted * groups * group.size(), candidate.plan() + ", round " + round);
                if (!candidate.failed()) {
                    measure(candidate, round);
                }
            }
            if (rounds == 0) { // the machine may get slower or faster, so every round counts
                wanted = roundsFor(round, System.nanoTime() - start, groups);
            }
        } while (round < wanted);
    }

    private void measure(Candidate candidate, int round) {
        List<Task<?>> tasks = workload.tasks();
        try {
            String difference = Candidate.difference(expected, candidate.measure(workload.division(), tasks));
            if (difference != null) {
                candidate.fail(difference);
            }
        } catch (CommandException e) {
            candidate.fail("failed in round " + round + ": " + CommandException.oneLine(e));
        }
        if (candidate.failed()) {
            candidate.pool().shutdownNow();
            pools.close(candidate.pool());
        }
    }

    /**
     * Returns the number of rounds that fit the budget, an odd number.
     *
     * @param done the rounds so far
     * @param nanos how long they took
     * @param groups how many groups share the budget
     */
    static int roundsFor(int done, long nanos, int groups) {
        long budget = groups == 1 ? BUDGET_NANOS : BUDGET_NANOS_WITH_COUNTS / groups;
        int fitting = Math.clamp(budget / Math.max(1, nanos / done), FEWEST_ROUNDS, MOST_ROUNDS);
        int odd = fitting % 2 == 1 ? fitting : fitting - 1;
        return Math.max(odd, done % 2 == 1 ? done : done + 1);
    }
}
