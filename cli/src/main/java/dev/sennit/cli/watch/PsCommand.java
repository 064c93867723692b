package dev.sennit.cli.watch;

import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.loop.LoopsMXBean.Coroutine;
import dev.sennit.loop.LoopsMXBean.Loop;
import dev.sennit.observe.PeriodicWorkersMXBean;
import dev.sennit.observe.PoolsMXBean.PoolNow;
import dev.sennit.process.WorkerPoolsMXBean.Worker;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import dev.sennit.service.ServicesMXBean;
import dev.sennit.service.ServicesMXBean.ManagerNow;
import dev.sennit.service.ServicesMXBean.ServiceNow;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit ps}: the pools, worker processes, coroutines, periodic workers and services of a running JVM. */
@Command(
        name = "ps",
        header = "Prints the pools of a running JVM, their worker processes, the tree of coroutines of each loop, "
                + "periodic workers and services.",
        description = "Each pool has a line with its workers and its tasks. Each worker process stands below its pool, "
                + "with its pid, what it does and for how long. Each "
                + "coroutine stands below the one that has started it, with what it does or waits for, where, and how "
                + "old it is. Deadlocks of locks come first. Each periodic worker and each service manager "
                + "comes with what it keeps running. The JVM belongs to the same user; it needs "
                + "no preparation.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            "1:the JVM has nothing of Sennit's, or could not be read",
            "2:bad usage: there is no such JVM",
            "3:could not attach to it",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit ps 4711",
            "  sennit ps 4711 --stacks",
            "  sennit ps 4711 --json                          one object a pool, worker, coroutine ..."
        })
public final class PsCommand implements Callable<Integer> {
    private static final int DEEPEST_INDENT = 40;
    private static final double MILLIS = 1e3;

    private final Terminal terminal;

    @Parameters(paramLabel = "PID", description = "The process id of the JVM.")
    private String process = "";

    @Option(names = "--stacks", description = "Print the frames of each coroutine too.")
    private boolean stacks;

    @Option(names = "--json",
            description = "Print one JSON object a line: one a pool, a worker, a deadlock, a coroutine, a periodic "
                    + "task, a service.")
    private boolean json;

    public PsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        JvmReader.Seen seen = JvmReader.read(JvmReader.pid(process));
        if (json) {
            seen.pools().forEach(this::printJson);
            seen.workerPools().forEach(this::printJson);
            seen.loops().forEach(this::printJson);
            seen.periodicWorkers().forEach(this::printJson);
            seen.managers().forEach(this::printJson);
        } else if (seen.isNothing()) {
            terminal.line("process " + process + " has no open pool");
        } else {
            seen.pools().stream().filter(pool -> !seen.isToldInDetail(pool)).forEach(this::print);
            seen.workerPools().forEach(this::print);
            seen.loops().forEach(this::print);
            seen.periodicWorkers().forEach(this::print);
            seen.managers().forEach(this::print);
        }
        return ExitCode.DONE;
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

    private void print(PeriodicWorkersMXBean.WorkerNow worker) {
        terminal.line(worker.name() + ": periodic worker, " + (worker.isRunning() ? "" : "stopped, ")
                + Figures.count(worker.tasks().size(), "task", "tasks"));
        for (PeriodicWorkersMXBean.TaskNow task : worker.tasks()) {
            Double mean = task.meanRunSeconds();
            Double late = task.meanLateSeconds();
            Double next = task.nextInSeconds();
            terminal.line("  " + task.name() + "  " + task.schedule() + ", "
                    + Figures.count(task.runs(), "run", "runs") + ", " + task.failures() + " failed, " + task.missed()
                    + " missed"
                    + (mean == null ? "" : ", mean run " + Figures.duration(mean))
                    + (late == null ? "" : ", mean late " + Figures.duration(late))
                    + (task.isRunning() ? ", runs" : "")
                    + (task.isEnabled() ? "" : ", disabled")
                    + (next == null ? "" : ", next in " + Figures.duration(next))
                    + (task.lastFailure() == null ? "" : ", last failure " + task.lastFailure()));
        }
    }

    private void printJson(PeriodicWorkersMXBean.WorkerNow worker) {
        terminal.line(new JsonLine()
                .put("periodicWorker", worker.name())
                .put("isRunning", worker.isRunning())
                .put("tasks", worker.tasks().size())
                .toString());
        for (PeriodicWorkersMXBean.TaskNow task : worker.tasks()) {
            terminal.line(new JsonLine()
                    .put("periodicWorker", worker.name())
                    .put("task", task.name())
                    .put("schedule", task.schedule())
                    .put("runs", task.runs())
                    .put("successes", task.successes())
                    .put("failures", task.failures())
                    .put("missed", task.missed())
                    .put("meanRunSeconds", task.meanRunSeconds())
                    .put("meanLateSeconds", task.meanLateSeconds())
                    .put("lastFailure", task.lastFailure())
                    .put("isRunning", task.isRunning())
                    .put("isEnabled", task.isEnabled())
                    .put("nextInSeconds", task.nextInSeconds())
                    .toString());
        }
    }

    private void print(ManagerNow manager) {
        terminal.line(manager.name() + ": services, "
                + (manager.state().equals("STARTED")
                        ? manager.isUp() ? "up" : "not up"
                        : manager.state().toLowerCase(Locale.ROOT))
                + ", " + Figures.count(manager.services().size(), "service", "services"));
        for (ServiceNow service : manager.services()) {
            terminal.line("  " + service.name() + ": " + service.ready() + " of "
                    + Figures.count(service.wanted(), "worker", "workers") + " ready, generation "
                    + service.generation() + (service.isReloading() ? ", reloading" : "")
                    + (service.obstacle() == null ? "" : ": " + service.obstacle()));
            for (ServicesMXBean.WorkerNow one : service.workers()) {
                terminal.line("    worker(" + one.id() + ")" + (one.pid() == null ? "" : "  pid " + one.pid()) + "  "
                        + one.state().toLowerCase(Locale.ROOT) + " for " + Figures.duration(one.stateSeconds())
                        + (one.generation() == null ? "" : ", generation " + one.generation())
                        + ", " + Figures.count(one.restarts(), "restart", "restarts") + ": " + one.why());
            }
        }
    }

    private void printJson(ManagerNow manager) {
        terminal.line(new JsonLine()
                .put("manager", manager.name())
                .put("state", manager.state().toLowerCase(Locale.ROOT))
                .put("isUp", manager.isUp())
                .put("services", manager.services().size())
                .toString());
        for (ServiceNow service : manager.services()) {
            terminal.line(new JsonLine()
                    .put("manager", manager.name())
                    .put("service", service.name())
                    .put("wanted", service.wanted())
                    .put("ready", service.ready())
                    .put("generation", service.generation())
                    .put("isReloading", service.isReloading())
                    .put("isUp", service.isUp())
                    .put("obstacle", service.obstacle())
                    .toString());
            for (ServicesMXBean.WorkerNow one : service.workers()) {
                terminal.line(new JsonLine()
                        .put("manager", manager.name())
                        .put("service", service.name())
                        .put("worker", one.id())
                        .put("state", one.state().toLowerCase(Locale.ROOT))
                        .put("stateSeconds", one.stateSeconds())
                        .put("why", one.why())
                        .put("pid", one.pid())
                        .put("generation", one.generation())
                        .put("ageSeconds", one.ageSeconds())
                        .put("heartbeatSeconds", one.heartbeatSeconds())
                        .put("work", one.work())
                        .put("restarts", one.restarts())
                        .put("replacements", one.replacements())
                        .put("lastEnd", one.lastEnd())
                        .put("isReplacing", one.isReplacing())
                        .toString());
            }
        }
    }
}
