package dev.sennit.cli;

import dev.sennit.internal.text.JsonLine;
import dev.sennit.loop.LoopsMXBean.Coroutine;
import dev.sennit.loop.LoopsMXBean.Loop;
import dev.sennit.process.WorkerPoolsMXBean.Worker;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit ps}: the coroutines and worker processes of a running JVM. */
@Command(
        name = "ps",
        header = "Prints the worker processes of a running JVM, its event loops, and the tree of their coroutines.",
        description = "Each worker process stands below its pool, with its pid, what it does and for how long. Each "
                + "coroutine stands below the one that has started it, with what it does or waits for, where, and how "
                + "old it is. Deadlocks of locks come first. The JVM belongs to the same user; it needs "
                + "no preparation.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            "1:the JVM has no such pool or loop of Sennit's, or could not be read",
            "2:bad usage: there is no such JVM",
            "3:could not attach to it",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit ps 4711",
            "  sennit ps 4711 --stacks",
            "  sennit ps 4711 --json                          one object a worker or coroutine"
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
            description = "Print one JSON object a line: one a worker, one a deadlock, one a coroutine.")
    private boolean json;

    PsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        if (!process.matches("[1-9]\\d{0,17}")) {
            throw CommandException.usage("PID must be the number of a process, was \"" + process + '"');
        }
        JvmReader.Seen seen = JvmReader.read(Long.parseLong(process));
        if (seen.isNothing() && !json) {
            terminal.line("process " + process + " has no open event loop and no pool of worker processes");
        }
        seen.pools().forEach(json ? this::printJson : this::print);
        seen.loops().forEach(json ? this::printJson : this::print);
        return ExitCode.DONE;
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
