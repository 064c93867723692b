package dev.sennit.cli.services;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.PageServer;
import dev.sennit.cli.services.ControlServer.Answer;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Linux;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.SystemSignals;
import dev.sennit.internal.linux.HeldListeners;
import dev.sennit.internal.linux.ListeningSocket;
import dev.sennit.internal.linux.OrphanReaper;
import dev.sennit.internal.linux.ProcessTitle;
import dev.sennit.internal.linux.SystemdNotifier;
import dev.sennit.service.ListenerStatus;
import dev.sennit.service.LogFollower;
import dev.sennit.service.ServiceException;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceStatus;
import dev.sennit.service.SlotState;
import dev.sennit.service.SlotStatus;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Runs the services of a file, until they have ended or somebody says so: by a signal, or over the control socket.
 *
 * <p>The thread that calls {@link #run} looks after all that is due from time to time; each signal and each request has
 * a thread of its own. Changes of what runs exclude each other.
 */
final class ServicesRun {
    private static final boolean IS_PROCESS_ONE = ProcessHandle.current().pid() == 1;
    /** Time for the JDK to wait for a process that it has started. */
    private static final Duration BETWEEN_REAPINGS = Duration.ofSeconds(1);
    /** How often a wait looks whether somebody still wants its answer. */
    private static final Duration LOOK = Duration.ofMillis(500);
    /** How often a command that waits is told what it waits for. */
    private static final Duration BETWEEN_NEWS = Duration.ofSeconds(5);
    /** Commands that wait, but for stop; fewer than the control server has places, so that others are answered. */
    private static final int MOST_WAITS = 32;
    /** Workers for which a command waits, in one line. */
    private static final int MOST_NAMED = 3;
    /** For the services of a manager that takes over to come up; the former manager serves meanwhile. */
    private static final Duration TAKE_OVER_LIMIT = Duration.ofMinutes(10);
    private static final String SIGNAL_OF_JVM = "_JAVA_SR_SIGNUM";
    private static final String HOW_OTHERWISE =
            "sennit services handover does the same, or start the JVM with " + SIGNAL_OF_JVM + "=40";

    private final ServiceLog log;
    private final ServiceManager manager;
    private final FileServices services;
    private final SystemdTeller systemd;
    private final long startedAt = System.nanoTime();
    private final List<SystemSignals.Handled> signals = new ArrayList<>();
    private final AtomicInteger interrupts = new AtomicInteger();
    private final AtomicBoolean hasHangup = new AtomicBoolean();
    private final AtomicBoolean hasToldOfRecorder = new AtomicBoolean();
    private final PreStop preStop = new PreStop();
    private final HandOver handOver;
    private final Invocation invocation;
    private final Semaphore waits = new Semaphore(MOST_WAITS);

    /** Whether it serves an application, and gives up if no worker comes up at first. */
    private final boolean isServe;
    /** The manager to take over from; null if there is none, or this one has taken over. */
    private volatile @Nullable TakeOver former;
    private @Nullable ListeningSocket socket; // written before anybody is answered
    private volatile @Nullable ControlServer control; // written by the thread that runs this

    // guarded by outward
    private final Object outward = new Object();
    private @Nullable PageServer page;
    private RunningManagers.@Nullable Entry entry;
    /** Whether this manager has given up what others find it by. */
    private boolean isGivenUp;

    /** Why the page is not served yet, which another manager has served before; empty if it is. */
    private String pageObstacle = ""; // of the thread that runs this
    private Deadline nextReaping = Deadline.in(BETWEEN_REAPINGS); // of the thread that runs this

    private ServicesRun(
            ServicesFile file, ClassPaths classPaths, ServiceLog log, SystemdNotifier notifier, Invocation invocation,
            boolean isServe, @Nullable TakeOver former) {
        this.log = log;
        this.invocation = invocation;
        this.isServe = isServe;
        this.former = former;
        manager = ServiceManager.create(file.name(), log);
        services = new FileServices(file, classPaths, manager, log);
        systemd = new SystemdTeller(notifier, manager, log);
        handOver = new HandOver(new Giving(), log);
    }

    /**
     * Runs the services of a file. To be called once in a JVM, whose signals it takes over.
     *
     * @param file the file
     * @param classPaths the class paths of services, with Sennit on them
     * @param former the control socket of a manager to take over from; null if there is none
     * @return the exit code: 0 if all workers ended in time, 1 if one was killed or had failed
     * @throws IOException if they cannot be started; its message is one line that says why, and nothing is left
     * @throws InterruptedException if the thread is interrupted; all workers have ended
     */
    static int run(ServicesFile file, ClassPaths classPaths, @Nullable Path former)
            throws IOException, InterruptedException {
        return run(file, classPaths, false, former);
    }

    /** Does the same for an application: it has to come up once, or cannot be started. */
    static int serve(ServicesFile file, ClassPaths classPaths, @Nullable Path former)
            throws IOException, InterruptedException {
        return run(file, classPaths, true, former);
    }

    private static int run(ServicesFile file, ClassPaths classPaths, boolean isServe, @Nullable Path former)
            throws IOException, InterruptedException {
        var invocation = Invocation.ofThisProcess(isServe); // before its title is set
        SystemdNotifier notifier = notifier(former != null);
        ServiceLog log = log(file);
        TakeOver from;
        try {
            from = former == null ? null : TakeOver.begin(former);
        } catch (IOException e) {
            log.close();
            throw e;
        }
        var run = new ServicesRun(file, classPaths, log, notifier, invocation, isServe, from);
        try (run.manager) { // which closes the log
            return run.run();
        }
    }

    /**
     * Finds whom to tell.
     *
     * @param isTakeOver whether a watchdog that was set for another process is for this one now
     */
    private static SystemdNotifier notifier(boolean isTakeOver) throws IOException {
        try {
            Map<String, String> environment = new HashMap<>(System.getenv());
            if (isTakeOver) {
                environment.remove("WATCHDOG_PID");
            }
            return SystemdNotifier.of(environment);
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static ListeningSocket bindControl(ServicesFile file) throws IOException {
        try {
            return ControlServer.bind(file.control());
        } catch (IOException e) {
            OptionalLong pid = ControlClient.pid(file.control());
            if (pid.isPresent()) {
                throw new IOException("the services of " + file.path() + " are run by process " + pid.getAsLong()
                        + " already; sennit services stop --file " + ShellWords.quoted(file.path()) + " ends them", e);
            }
            throw e;
        }
    }

    private static ServiceLog log(ServicesFile file) throws IOException {
        ServiceLog.Format format = switch (file.log().format()) {
            case TEXT -> ServiceLog.Format.TEXT;
            case JSON -> ServiceLog.Format.JSON;
        };
        Path target = file.log().file();
        if (target == null) {
            return ServiceLog.to(new FileOutputStream(FileDescriptor.out), format);
        }
        try {
            Path folder = target.getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            return ServiceLog.to(target, format);
        } catch (IOException e) {
            throw new IOException("the log " + target + " cannot be written (" + e + "); make its folder writable", e);
        }
    }

    private int run() throws IOException, InterruptedException {
        try {
            handleSignals(); // first: a signal that ends the JVM before would leave the control socket behind
            ServicesFile file = services.file();
            TakeOver from = former;
            ListeningSocket taken = from == null ? null : from.takeControl(file.control());
            ListeningSocket answered = taken == null ? bindControl(file) : taken;
            socket = answered;
            try {
                return from == null ? run(answered) : run(answered, from);
            } finally {
                Quietly.close(answered::close);
            }
        } catch (IOException e) {
            TakeOver from = former;
            if (from != null) {
                from.fail(CommandException.oneLine(e));
            }
            throw e;
        } finally {
            manager.close();
            signals.forEach(SystemSignals.Handled::restore);
            services.shutdownQueues();
        }
    }

    private int run(ListeningSocket answered) throws IOException, InterruptedException {
        begin();
        try {
            control = ControlServer.open(answered, this::handle);
            servePage();
            addEntry();
            start();
            return runStarted();
        } finally {
            closeAll();
        }
    }

    /** Runs the services beside those of the former manager, and alone when all are up. */
    private int run(ListeningSocket answered, TakeOver from) throws IOException, InterruptedException {
        ListenerAddress.Tcp pages = services.file().metrics();
        systemd.beSilent();
        log.note("takes over from process " + from.pid());
        services.begin(from);
        try {
            ControlServer server = ControlServer.of(answered, this::handle);
            control = server;
            if (pages != null && !from.hasMetrics(pages)) {
                servePage();
            }
            start();
            awaitUp(from);
            from.end();
            former = null;
            answered.ownPath();
            services.ownListeners();
            systemd.speak();
            server.begin();
            addEntry();
            if (pages != null && from.hasMetrics(pages)) {
                openPage();
            }
            log.note(from.isAlone()
                    ? "the former manager, process " + from.pid() + ", has died; this one goes on"
                    : "has taken over from process " + from.pid() + ", which stops");
            ProcessHandle.of(from.pid()).ifPresent(
                    one -> one.onExit().thenRun(() -> log.note("process " + from.pid() + " has ended")));
            return runStarted();
        } finally {
            closeAll();
        }
    }

    private int runStarted() throws IOException, InterruptedException {
        ServicesFile file = services.file();
        ProcessTitle.set(file.name() + ": master process");
        log.note(file.name() + " runs " + file.path() + " as process " + ProcessHandle.current().pid());
        CompletableFuture<Void> up = manager.whenUp();
        while (!manager.awaitEnd(isServe && !up.isDone() ? LOOK : systemd.period())) {
            if (isServe && !up.isDone()) {
                ensureMayComeUp();
            }
            lookAfter();
        }
        return manager.awaitEnd();
    }

    /** Waits until all services are up. Whatever does not let them come up ends this manager, and not the former. */
    private void awaitUp(TakeOver from) throws IOException, InterruptedException {
        CompletableFuture<Void> up = manager.whenUp();
        Deadline deadline = Deadline.in(TAKE_OVER_LIMIT);
        boolean isUp = false;
        while (!isUp) {
            boolean hasEnded = manager.awaitEnd(systemd.period());
            isUp = up.isDone() && !up.isCompletedExceptionally();
            if (isStopping() || hasEnded && !isUp) {
                throw new IOException("was told to stop before it had taken over; process " + from.pid() + " goes on");
            }
            from.ensureHeld();
            for (SlotStatus slot : manager.status()) {
                if (slot.state() == SlotState.FAILED || slot.restarts() > 0 && slot.state() != SlotState.READY) {
                    throw new IOException("worker " + slot.service() + "(" + slot.id() + ") died before it was ready: "
                            + slot.lastEnd() + "; process " + from.pid() + " goes on");
                }
            }
            if (deadline.isOver()) {
                throw new IOException("not all services were up within " + Durations.text(TAKE_OVER_LIMIT) + ": "
                        + waitsFor() + "; process " + from.pid() + " goes on");
            }
        }
    }

    /** Gives up what others find this manager by; what it has begun to answer goes on. */
    private void giveUp() {
        PageServer served;
        RunningManagers.Entry known;
        synchronized (outward) {
            isGivenUp = true;
            served = page;
            page = null;
            known = entry;
            entry = null;
        }
        if (known != null) {
            known.close();
        }
        if (served != null) {
            served.close();
        }
    }

    private void closeAll() {
        giveUp();
        ControlServer server = control;
        if (server != null) {
            server.close();
        }
    }

    /** Gives up if each worker has died before any was ready: the next ones would too. */
    private void ensureMayComeUp() throws IOException {
        List<SlotStatus> slots = manager.status();
        boolean isHopeless = !manager.isStopping() && !slots.isEmpty()
                && slots.stream().allMatch(slot -> slot.restarts() > 0 && slot.state() != SlotState.READY);
        if (isHopeless) {
            throw new IOException("the application cannot be started: each worker died before it was ready; the first "
                    + slots.getFirst().lastEnd());
        }
    }

    private void begin() throws IOException {
        try {
            services.begin();
        } catch (IOException e) {
            if (!manager.isStopping()) { // else a signal came first: the manager takes nothing any more
                throw e;
            }
        }
    }

    private void start() {
        try {
            manager.start();
        } catch (IllegalStateException e) {
            if (!manager.isStopping()) { // else a signal came first, and that is the end already
                throw e;
            }
        }
    }

    private @Nullable PageServer figures() throws IOException {
        ListenerAddress.Tcp address = services.file().metrics();
        return address == null
                ? null
                : PageServer.open(FileServices.resolved(address), "address in [metrics]",
                        new FigurePages(new Figures()).byPath(), PageServer.Limits.USUAL);
    }

    private void servePage() throws IOException {
        PageServer opened = figures();
        synchronized (outward) {
            if (!isGivenUp) {
                page = opened;
                return;
            }
        }
        if (opened != null) {
            opened.close();
        }
    }

    /** Serves the page that the former manager has served. If that cannot be yet, the services run all the same. */
    private void openPage() {
        try {
            servePage();
            pageObstacle = "";
        } catch (IOException e) {
            String why = String.valueOf(e.getMessage());
            if (!why.equals(pageObstacle)) {
                log.note("tries again: " + why);
            }
            pageObstacle = why;
        }
    }

    /** Has commands find this manager. */
    private void addEntry() {
        RunningManagers.Entry added = entry();
        synchronized (outward) {
            if (!isGivenUp) {
                entry = added;
                return;
            }
        }
        if (added != null) {
            added.close();
        }
    }

    private RunningManagers.@Nullable Entry entry() {
        ServicesFile file = services.file();
        try {
            RunningManagers known = RunningManagers.ofThisUser().orElse(null);
            return known == null ? null : known.add(file.path(), file.control());
        } catch (IOException e) {
            log.note("commands have to name the file, with --file: " + e.getMessage());
            return null;
        }
    }

    // ---- what is due from time to time ----

    private void lookAfter() {
        try {
            systemd.look();
            services.closeUnusedIfFree();
            if (!pageObstacle.isEmpty()) {
                openPage();
            }
            if (IS_PROCESS_ONE && nextReaping.isOver()) {
                nextReaping = Deadline.in(BETWEEN_REAPINGS);
                OrphanReaper.reap(manager.status().stream().map(SlotStatus::pid).collect(Collectors.toSet()));
            }
        } catch (RuntimeException e) { // the services run on
            log.note("the manager could not look after all: " + e);
        }
    }

    // ---- signals ----

    private void handleSignals() throws IOException {
        handle("HUP", () -> {
            if (hasHangup.compareAndSet(false, true)) { // else one that has not read the file yet is for this one too
                try {
                    reload("");
                } finally {
                    hasHangup.set(false);
                }
            }
        });
        handle("TERM", this::stop);
        handle("INT", () -> {
            if (interrupts.incrementAndGet() == 1) {
                stop();
            } else {
                stopNow();
            }
        });
        handle("TTIN", () -> scaleAll(1));
        handle("TTOU", () -> scaleAll(-1));
        handle("USR1", () -> {
            log.reopen();
            log.note("the log was opened again");
        });
        handle("USR2", () -> {
            if (isOfRecorder()) {
                if (hasToldOfRecorder.compareAndSet(false, true)) {
                    log.note("USR2 is ignored, as the flight recorder of this JVM sends it, too: " + HOW_OTHERWISE);
                }
            } else {
                startNext().exceptionally(e -> null); // the log tells why
            }
        });
    }

    /**
     * The JVM stops threads by USR2 when it takes samples of them, unless a variable names another signal, as the
     * launcher sets it.
     */
    private static boolean isOfRecorder() {
        if (System.getenv(SIGNAL_OF_JVM) != null) {
            return false;
        }
        try {
            return FlightRecorder.isInitialized();
        } catch (LinkageError e) { // a runtime image without it
            return false;
        }
    }

    private void handle(String name, Runnable action) throws IOException {
        try {
            signals.add(SystemSignals.handle(name, () -> {
                try {
                    action.run();
                } catch (RuntimeException e) {
                    log.note("signal " + name + " failed: " + e);
                }
                return true;
            }));
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new IOException(e.getMessage() + "; the manager needs it: leave out -Xrs if the JVM has it", e);
        }
    }

    /** Returns the manager's exit code, when it has ended. */
    private CompletableFuture<Integer> stop() {
        boolean isAlone = former == null && !handOver.isGiven();
        Duration delay = isAlone ? services.file().preStop() : Duration.ZERO; // else others serve on
        if (preStop.begin(delay)) {
            log.note(delay.isZero() ? "stops" : "stops in " + Durations.text(delay) + ", and is not ready any more");
            systemd.stopping();
        }
        return preStop.whenOver().thenCompose(_ -> manager.shutdown());
    }

    private CompletableFuture<Integer> stopNow() {
        log.note("stops");
        systemd.stopping();
        CompletableFuture<Integer> ended = manager.shutdownNow();
        preStop.end();
        return ended;
    }

    private boolean isStopping() {
        return preStop.hasBegun() || manager.isStopping();
    }

    // ---- changes ----

    /**
     * Reads the file again and has it run, or reloads one service from what it is.
     *
     * @param service its name; empty for all
     * @return done when it is so
     * @throws IllegalArgumentException if there is no such service
     */
    private CompletableFuture<Void> reload(String service) {
        CompletableFuture<Void> done;
        String obstacle = former == null ? handOver.beginChange() : "this manager has not taken over yet";
        if (!obstacle.isEmpty()) {
            log.note("does not reload: " + obstacle);
            return CompletableFuture.failedFuture(new ServiceException("not reloaded: " + obstacle));
        }
        try {
            log.note(service.isEmpty() ? "reloads " + services.file().path() : "reloads service " + service);
            done = service.isEmpty() ? services.reload(() -> hasHangup.set(false)) : manager.reload(service);
        } catch (ServicesFileException e) {
            done = CompletableFuture.failedFuture(e);
        } catch (IOException | IllegalStateException e) {
            done = CompletableFuture.failedFuture(new ServiceException(reason(e)));
        } finally {
            handOver.endChange();
        }
        systemd.reloadBegins();
        return done.whenComplete((nothing, e) -> {
            log.note(e == null ? "has reloaded" : "has not reloaded: " + reason(e));
            systemd.reloadEnds(e == null ? null : reason(e));
        });
    }

    private static String reason(Throwable e) {
        Throwable cause = e instanceof CompletionException || e instanceof ExecutionException ? e.getCause() : e;
        if (cause instanceof ServicesFileException refused) {
            return "the file is refused, what runs goes on: " + String.join(" | ", refused.problems());
        }
        return cause == null ? e.toString() : cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }

    // ---- requests ----

    private Outcome handle(List<String> words, Answer answer) throws IOException, InterruptedException {
        Deque<String> left = new ArrayDeque<>(words);
        String verb = left.isEmpty() ? "" : left.poll();
        String first = left.isEmpty() ? "" : left.poll();
        String second = left.isEmpty() ? "" : left.poll();
        try {
            return switch (verb) {
                case "pid" -> {
                    answer.row(Long.toString(ProcessHandle.current().pid()));
                    yield Outcome.DONE;
                }
                case "status" -> status(answer);
                case "stop" -> await(end(first.equals("now")), answer);
                case "reload" -> waiting(() -> awaitReload(reload(first), answer));
                case "scale" -> waiting(() -> await(scale(first, second), answer));
                case "handover" -> waiting(() -> awaitHandOver(answer));
                case "take-over" -> handOver.hold(Long.parseLong(first), answer);
                case "take-over-send" ->
                    handOver.send(Long.parseLong(first), second, left.isEmpty() ? "" : left.poll(),
                            Path.of(left.isEmpty() ? "" : left.poll()), HeldListeners.of(manager));
                case "take-over-end" -> handOver.give(Long.parseLong(first));
                case "take-over-fails" -> handOver.fails(Long.parseLong(first), second);
                case "restart" -> waiting(() -> await(manager.restart(first), answer));
                case "logs" ->
                    waiting(() -> logs(answer, Integer.parseInt(first), second, left.contains("follow")));
                default -> new Outcome(2, "the manager does not know \"" + verb + "\"");
            };
        } catch (IllegalArgumentException | IllegalStateException | ServiceException e) {
            return new Outcome(2, reason(e));
        }
    }

    /** An answer that may take long. */
    private interface Waiting {
        Outcome answer() throws IOException, InterruptedException;
    }

    private Outcome waiting(Waiting one) throws IOException, InterruptedException {
        if (!waits.tryAcquire()) {
            return new Outcome(1, MOST_WAITS + " commands wait already: end some, and try again");
        }
        try {
            return one.answer();
        } finally {
            waits.release();
        }
    }

    private CompletableFuture<Void> scale(String service, String workers) {
        ensureMayScale();
        log.note(service + " is to have " + workers + " workers");
        return manager.scale(service, Integer.parseInt(workers));
    }

    private void scaleAll(int by) {
        try {
            ensureMayScale();
        } catch (IllegalStateException e) {
            log.note("does not scale: " + e.getMessage());
            return;
        }
        services.scaleAll(by);
    }

    /** The next manager has been told how many workers there are. */
    private void ensureMayScale() {
        String obstacle = former == null ? handOver.beginChange() : "this manager has not taken over yet";
        if (!obstacle.isEmpty()) {
            throw new IllegalStateException(obstacle);
        }
        handOver.endChange();
    }

    // ---- handover ----

    /** Starts the next manager, which takes over when it can. */
    private CompletableFuture<Void> startNext() {
        log.note("hands over");
        return handOver.start(invocation, isServe
                ? List.of(Invocation.TAKE_OVER, services.file().control().toString())
                : List.of(Invocation.TAKE_OVER));
    }

    private Outcome awaitHandOver(Answer answer) throws IOException, InterruptedException {
        return await(startNext(), answer, handOver::waitsFor);
    }

    /** What a handover needs of this manager. */
    private final class Giving implements HandOver.Giver {
        @Override
        public String obstacle() {
            if (former != null) {
                return "this manager has not taken over yet itself";
            }
            if (!HeldListeners.of(manager).canPass()) {
                return "sockets can be passed only with native access; " + Linux.remedy();
            }
            return manager.services().stream().anyMatch(ServiceStatus::isReloading)
                    ? "the manager reloads; try again when it has"
                    : "";
        }

        @Override
        public String obstacleToStart() {
            return IS_PROCESS_ONE
                    ? "it is process 1, with which the container ends; replace the container"
                    : invocation.command().isEmpty() ? "its command line cannot be read" : "";
        }

        @Override
        public boolean isStopping() {
            return ServicesRun.this.isStopping();
        }

        @Override
        public void offer(Answer answer) throws IOException {
            ServicesFile file = services.file();
            answer.row("manager", Long.toString(ProcessHandle.current().pid()), file.control().toString(),
                    file.metrics() == null ? "" : file.metrics().toString());
            services.offer(answer);
        }

        @Override
        public ListeningSocket control() {
            return Objects.requireNonNull(socket, "nobody asks before it is there");
        }

        @Override
        public void give(long pid, boolean hasControl) {
            try {
                if (hasControl) {
                    control().leavePath();
                }
                HeldListeners.of(manager).leavePaths();
                ControlServer server = control;
                if (server != null) {
                    server.stopAccepting();
                }
                giveUp();
                systemd.handOver(pid);
                log.note("process " + pid + " has taken over; stops");
            } finally {
                manager.shutdown();
                preStop.end();
            }
        }
    }

    private CompletableFuture<Void> end(boolean now) {
        CompletableFuture<Integer> ended = now ? stopNow() : stop();
        return ended.thenAccept(code -> {
            if (code != 0) {
                throw new ServiceException("a worker had to be killed, or had failed: the log tells which");
            }
        });
    }

    /** The same, with a row for each problem of a file that is refused. */
    private Outcome awaitReload(CompletableFuture<Void> done, Answer answer) throws IOException, InterruptedException {
        if (!done.isCompletedExceptionally()
                || !(done.exceptionNow() instanceof ServicesFileException refused)) {
            return await(done, answer);
        }
        List<String> problems = refused.problems();
        if (problems.size() == 1) {
            return new Outcome(2, reason(refused));
        }
        for (String problem : problems) {
            answer.row(problem);
        }
        return new Outcome(2, "the file is refused, what runs goes on: " + problems.size() + " problems");
    }

    /** Waits until it is so, the client goes away, or the manager has ended. Tells the client what it waits for. */
    private Outcome await(CompletableFuture<Void> done, Answer answer) throws IOException, InterruptedException {
        return await(done, answer, this::waitsFor);
    }

    private static Outcome await(CompletableFuture<Void> done, Answer answer, Supplier<String> what)
            throws IOException, InterruptedException {
        Deadline news = Deadline.in(BETWEEN_NEWS);
        while (answer.isWanted()) {
            try {
                done.get(LOOK.toNanos(), TimeUnit.NANOSECONDS);
                return Outcome.DONE;
            } catch (TimeoutException e) {
                if (news.isOver()) {
                    answer.row(what.get());
                    news = Deadline.in(BETWEEN_NEWS);
                }
            } catch (ExecutionException e) {
                return new Outcome(1, reason(e));
            }
        }
        done.cancel(false); // nobody reads it; what was asked for goes on
        return Outcome.DONE;
    }

    private String waitsFor() {
        List<String> busy = manager.status().stream()
                .filter(one -> one.state() != SlotState.READY || one.isReplacing())
                .map(one -> one.service() + "(" + one.id() + ") "
                        + (one.isReplacing() ? "to be replaced" : one.state() + ": " + one.why()))
                .toList();
        return "waits for " + (busy.isEmpty()
                ? "the manager"
                : String.join(", ", busy.subList(0, Math.min(MOST_NAMED, busy.size())))
                        + (busy.size() > MOST_NAMED ? " and " + (busy.size() - MOST_NAMED) + " more" : ""));
    }

    private Outcome logs(Answer answer, int past, String service, boolean follow)
            throws IOException, InterruptedException {
        List<String> names = manager.services().stream().map(ServiceStatus::name).toList();
        if (!service.isEmpty() && !names.contains(service)) {
            return new Outcome(2, "there is no service " + service + "; there are " + names);
        }
        try (LogFollower follower = log.follow(past, service)) {
            for (int sent = 0; !follower.isOver() && (follow || sent < past); sent++) { // else a flood has no end
                String line = follower.next(follow ? LOOK : Duration.ZERO);
                if (line != null) {
                    answer.row(line);
                } else if (!follow || !answer.isWanted()) {
                    break;
                }
            }
        }
        return Outcome.DONE;
    }

    private Outcome status(Answer answer) throws IOException {
        new StatusRows(answer).send(services.file(), manager, isStopping(), log, System.nanoTime() - startedAt);
        return Outcome.DONE;
    }

    /** The figures that are served over HTTP. */
    private final class Figures implements FigurePages.Source {
        @Override
        public List<SlotStatus> workers() {
            return manager.status();
        }

        @Override
        public List<ServiceStatus> services() {
            return manager.services();
        }

        @Override
        public List<ServiceStatus.Figures> figures() {
            return manager.figures();
        }

        @Override
        public List<ListenerStatus> listeners() {
            return manager.listeners();
        }

        @Override
        public boolean isUp() {
            return manager.isUp();
        }

        @Override
        public boolean isStopping() {
            return ServicesRun.this.isStopping();
        }

        @Override
        public CompletableFuture<Void> whenAlive() {
            return manager.whenAlive();
        }

        @Override
        public long droppedLines() {
            return log.dropped();
        }
    }
}
