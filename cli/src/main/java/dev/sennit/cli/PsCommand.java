package dev.sennit.cli;

import dev.sennit.internal.text.JsonLine;
import dev.sennit.loop.LoopsMXBean.Coroutine;
import dev.sennit.loop.LoopsMXBean.Loop;
import dev.sennit.observe.PoolsMXBean.PoolNow;
import dev.sennit.process.WorkerPoolsMXBean.Worker;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit ps}: the pools, worker processes and coroutines of a running JVM. */
@Command(
        name = "ps",
        header = "Prints the pools of a running JVM, their worker processes, and the tree of coroutines of each loop.",
        description = "Each pool has a line with its workers and its tasks. Each worker process stands below its pool, "
                + "with its pid, what it does and for how long. Each "
                + "coroutine stands below the one that has started it, with what it does or waits for, where, and how "
                + "old it is. Deadlocks of locks come first. The JVM belongs to the same user; it needs "
                + "no preparation.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            "1:the JVM has no open pool of Sennit's, or could not be read",
            "2:bad usage: there is no such JVM",
            "3:could not attach to it",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit ps 4711",
            "  sennit ps 4711 --stacks",
            "  sennit ps 4711 --json                          one object a pool, worker or coroutine"
        })
final class PsCommand implements Callable<Integer> {
    private static final int DEEPEST_INDENT = 40;
    private static final double MILLIS = 1e3;

    private final Terminal terminal;

    @Parameters(paramLabel = "PID", description = "The process id of the JVM.")
    private String process = "";

    @Option(names = "--stacks", description = "Print the frames of each coroutine too.")
    private boolean stacks;

    @Option(names = "--json",
            description = "Print one JSON object a line: one a pool, a worker, a deadlock and a coroutine.")
    private boolean json;

    PsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        JvmReader.Seen seen = JvmReader.read(JvmReader.pid(process));
        if (json) {
            seen.pools().forEach(this::printJson);
            seen.workerPools().forEach(this::printJson);
            seen.loops().forEach(this::printJson);
        } else if (seen.isNothing()) {
            terminal.line("process " + process + " has no open pool");
        } else {
            seen.pools().stream().filter(pool -> !isToldInDetail(pool)).forEach(this::print);
            seen.workerPools().forEach(this::print);
            seen.loops().forEach(this::print);
        }
        return ExitCode.DONE;
    }

    private static boolean isToldInDetail(PoolNow pool) {
        return pool.kind().equals("processes") || pool.kind().equals("loop");
    }

    private void print(PoolNow pool) {
        terminal.line(pool.name() + ": " + pool.kind() + (pool.isShutdown() ? ", shut down" : "") + ", "
                + Figures.count(pool.workers(), "worker", "workers") + ", "
                + Figures.count(pool.running(), "task runs", "tasks run") + ", " + pool.queued()
                + (pool.queued() == 1 ? " waits, " : " wait, ") + pool.succeeded() + " succeeded, " + pool.failed()
                + " failed, " + pool.cancelled() + " cancelled");
    }

    private void printJson(PoolNow pool) {
        terminal.line(new JsonLine()
                .put("pool", pool.name())
                .put("kind", pool.kind())
                .put("isShutdown", pool.isShutdown())
                .put("workers", pool.workers())
                .put("submitted", pool.submitted())
                .put("queued", pool.queued())
                .put("running", pool.running())
                .put("succeeded", pool.succeeded())
                .put("failed", pool.failed())
                .put("cancelled", pool.cancelled())
                .put("rejected", pool.rejected())
                .put("retried", pool.retried())
                .put("workersLost", pool.workersLost())
                .put("workersRecycled", pool.workersRecycled())
                .put("queueSeconds", pool.queueSeconds())
                .put("runSeconds", pool.runSeconds())
                .put("cpuSeconds", pool.cpuSeconds())
                .put("workerPids", pool.workerPids())
                .toString());
    }

    private void print(WorkerPool pool) {
        terminal.line(
                pool.name() + ": " + Figures.count(pool.workers().size(), "worker process", "worker processes") + ", "
                        + Figures.count(pool.running(), "task runs", "tasks run") + ", " + pool.queued()
                        + (pool.queued() == 1 ? " waits, " : " wait, ")
                        + Figures.count(pool.workersLost(), "worker was lost", "workers were lost"));
        for (Worker one : pool.workers()) {
            terminal.line("  " + one.name() + "  pid " + one.pid() + "  " + one.state().toLowerCase(Locale.ROOT)
                    + (one.task().isEmpty() ? "" : ", runs " + one.task())
                    + (one.taskMillis() == 0 ? "" : " for " + Figures.duration(one.taskMillis() / MILLIS))
                    + ", " + Figures.count(one.tasksDone(), "task done", "tasks done") + ", "
                    + Figures.duration(one.ageMillis() / MILLIS) + " old");
        }
    }

    private void printJson(WorkerPool pool) {
        for (Worker one : pool.workers()) {
            terminal.line(new JsonLine()
                    .put("pool", pool.name())
                    .put("worker", one.name())
                    .put("pid", one.pid())
                    .put("state", one.state().toLowerCase(Locale.ROOT))
                    .put("task", one.task())
                    .put("taskSeconds", one.taskMillis() / MILLIS)
                    .put("tasksDone", one.tasksDone())
                    .put("ageSeconds", one.ageMillis() / MILLIS)
                    .toString());
        }
    }

    private void print(Loop loop) {
        loop.deadlocks().forEach(terminal::line);
        terminal.line(loop.name() + ": " + Figures.count(loop.coroutines().size(), "coroutine", "coroutines"));
        Map<Long, Integer> depths = new HashMap<>();
        for (Coroutine one : loop.coroutines()) { // a coroutine comes before those that it started
            int depth = depths.getOrDefault(one.startedBy(), 0) + 1;
            depths.put(one.id(), depth);
            String margin = "  ".repeat(Math.min(depth, DEEPEST_INDENT));
            terminal.line(margin + line(one));
            if (stacks) {
                one.stack().forEach(frame -> terminal.line(margin + "    at " + frame));
            }
        }
    }

    private static String line(Coroutine one) {
        return one.name() + "  " + one.state().toLowerCase(Locale.ROOT)
                + (one.waitsFor().isEmpty() ? "" : " for " + one.waitsFor())
                + (one.place().isEmpty() ? "" : " at " + one.place())
                + ", " + Figures.duration(one.ageMillis() / MILLIS) + " old";
    }

    private void printJson(Loop loop) {
        for (String deadlock : loop.deadlocks()) {
            terminal.line(new JsonLine().put("loop", loop.name()).put("deadlock", deadlock).toString());
        }
        for (Coroutine one : loop.coroutines()) {
            terminal.line(new JsonLine()
                    .put("loop", loop.name())
                    .put("mechanism", loop.mechanism().toLowerCase(Locale.ROOT))
                    .put("id", one.id())
                    .put("name", one.name())
                    .put("state", one.state().toLowerCase(Locale.ROOT))
                    .put("waitsFor", one.waitsFor())
                    .put("ageSeconds", one.ageMillis() / MILLIS)
                    .put("startedBy", one.startedBy())
                    .put("place", one.place())
                    .put("stack", one.stack())
                    .toString());
        }
    }
}
