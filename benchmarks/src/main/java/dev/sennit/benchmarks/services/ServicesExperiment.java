package dev.sennit.benchmarks.services;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peer;
import dev.sennit.benchmarks.measure.Python;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.benchmarks.measure.Samples;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Managers of services whose workers are killed, hang, do not heed a stop, or lose their manager: how soon each sees it
 * and has another worker at work. Every manager is a process of its own, and all times are taken in this one: from the
 * {@code kill -9} until this JVM has read what the manager's hook, or the new worker, wrote into a pipe.
 */
public final class ServicesExperiment implements Experiment {
    static final String SENNIT = "Sennit";
    private static final String COTYLEDON = "Cotyledon";
    private static final String SYSTEMD = "systemd";

    // services: see ServicesPeer and peer_services.py
    private static final String JAVA = "java";
    private static final String SPARE = "spare";
    static final String COMMAND = "command";
    private static final String CRASHER = "crasher";
    static final String SLEEPER = "sleeper";
    private static final String HUNG = "hung";
    private static final String STUBBORN = "stubborn";
    private static final String ANY = "";

    private static final String READY = "ready";
    private static final List<String> SMALL = List.of("-XX:+UseSerialGC", "-Xmx32m");
    private static final int IDLE_WORKERS = 10;
    private static final int ORPHANS = 4;

    /**
     * A worker that is killed has lived so long: Cotyledon makes pauses of 5 s if it starts more than one worker a
     * second, and Sennit its own if workers die young.
     */
    private static final long SETTLE_MILLIS = 700;

    private static final long IDLE_MILLIS = 3_000;
    private static final double NEVER_SECONDS = 3;
    private static final double STUCK_SECONDS = 15;

    /** Figures of a round. */
    private static final int SEEN = 0;

    private static final int RESTARTED = 1;

    @Override
    public Report run(Bench bench) throws Exception {
        List<ServicesManager.Kind> kinds = new ArrayList<>();
        String systemd = addKinds(bench, kinds);
        var table = new ServicesTable(NEVER_SECONDS, kinds.stream().skip(1).map(ServicesManager.Kind::name).toList());
        Map<String, Samples> restarts = kills(bench, kinds, table);
        neighbour(bench, kinds, restarts, table);
        stuck(bench, kinds, table);
        orphans(bench, kinds, table);
        memory(bench, kinds, table);
        return table.addTo(new Report()).paragraph(systemd);
    }

    /** Adds ours and the peers that can be had; returns what is to be said about systemd. */
    static String addKinds(Bench bench, List<ServicesManager.Kind> kinds) throws Exception {
        kinds.add(sennit(List.of()));
        if (bench.python().isEmpty()) {
            return "systemd is left out: without Python nothing can start it.";
        }
        Python python = bench.python().get();
        if (python.hasCotyledon()) {
            kinds.add(kind(bench, COTYLEDON, python, "peer_services.py"));
        }
        ServicesManager.Kind systemd = kind(bench, SYSTEMD, python, "peer_systemd.py");
        List<String> check = new ArrayList<>(systemd.command());
        check.addAll(List.of("/dev/null", "check"));
        Process process = new ProcessBuilder(check).redirectErrorStream(true).start();
        List<String> said = process.inputReader().readAllLines();
        if (process.waitFor() != 0) {
            return "systemd is left out, as an instance of its own cannot be started here: "
                    + (said.isEmpty() ? "it says nothing" : said.getLast()) + ".";
        }
        kinds.add(systemd);
        return "systemd: " + said.getFirst().replaceAll("[^ -~]", "")
                + ", a user's instance in a cgroup of its own.";
    }

    private static ServicesManager.Kind kind(Bench bench, String name, Python python, String script) {
        return new ServicesManager.Kind(
                name, List.of(python.command().toString(), "-B", bench.scripts().resolve(script).toString()));
    }

    private static ServicesManager.Kind sennit(List<String> options) {
        return new ServicesManager.Kind(SENNIT, Peer.command(ServicesPeer.class, options));
    }

    // ---- kill -9 ----

    /** Returns the cold restarts of each contestant. */
    private static Map<String, Samples> kills(Bench bench, List<ServicesManager.Kind> kinds, ServicesTable table)
            throws Exception {
        try (var stage = Stage.open(bench, kinds, "kills")) {
            stage.get(SENNIT).awaitAll(3, READY, ANY, 0);
            Thread.sleep(IDLE_MILLIS); // until there is a spare
            int rounds = bench.kills();
            var contest = new Rounds();
            for (String service : List.of(JAVA, SPARE, COMMAND)) {
                contest.add(service, 1, rounds, () -> kill(stage.get(SENNIT), service));
            }
            for (String peer : stage.peers()) {
                contest.add(peer, 1, rounds, () -> kill(stage.get(peer), SLEEPER));
            }
            Map<String, List<double[]>> measured = contest.run();
            Map<String, Samples> seen = figures(measured, SEEN);
            Map<String, Samples> restarts = figures(measured, RESTARTED);
            table.row("death seen, Java service", of(seen, JAVA), ofForks(seen)).aim(0.005, 0.025);
            table.row("death seen, command", of(seen, COMMAND), seen).aim(0.005, 0.025);
            table.row("cold restart, Java service", of(restarts, JAVA), ofForks(restarts)).aim(0.150, 0.400);
            table.row("cold restart, command", of(restarts, COMMAND), restarts).aim(0.150, 0.400);
            table.row("warm spare, Java service", of(restarts, SPARE), ofForks(restarts)).aim(0.015, 0.050);
            return restarts;
        }
    }

    private static void neighbour(
            Bench bench, List<ServicesManager.Kind> kinds, Map<String, Samples> alone, ServicesTable table)
            throws Exception {
        Map<String, Samples> added = new LinkedHashMap<>();
        int rounds = Math.max(1, bench.kills() / 2);
        for (ServicesManager.Kind kind : kinds) { // one after another: a loop would disturb the others
            try (ServicesManager manager = kind.start(bench, "neighbour")) {
                var contest = new Rounds();
                if (kind.name().equals(SENNIT)) {
                    for (String service : List.of(JAVA, COMMAND)) {
                        contest.add(service, 1, rounds, () -> killBesideCrasher(manager, service, of(alone, service)));
                    }
                } else { // a round of Cotyledon takes five seconds
                    int some = kind.name().equals(COTYLEDON) ? Math.min(5, rounds) : rounds;
                    Samples before = of(alone, kind.name());
                    contest.add(kind.name(), 0, some, () -> killBesideCrasher(manager, SLEEPER, before));
                }
                added.putAll(figures(contest.run(), 0));
            }
        }
        String figure = "a crash-looping neighbour adds to a cold restart, ";
        table.row(figure + "Java service", of(added, JAVA), ofForks(added)).aimOfMedian(0.050);
        table.row(figure + "command", of(added, COMMAND), added).aimOfMedian(0.050);
    }

    private static double[] kill(ServicesManager manager, String service) throws InterruptedException {
        manager.last(READY, service);
        Thread.sleep(SETTLE_MILLIS);
        long killed = manager.kill(service);
        double restarted = (manager.await(READY, service, killed).at() - killed) / 1e9;
        double seen = (manager.await("died", service, killed).at() - killed) / 1e9;
        return new double[] {seen, restarted};
    }

    private static double[] killBesideCrasher(ServicesManager manager, String service, Samples alone)
            throws InterruptedException {
        long before = System.nanoTime();
        double restarted = kill(manager, service)[RESTARTED];
        manager.await(READY, CRASHER, before); // else it does not loop
        return new double[] {restarted - alone.median()};
    }

    // ---- stuck ----

    private static void stuck(Bench bench, List<ServicesManager.Kind> kinds, ServicesTable table) throws Exception {
        int rounds = bench.size(5, 1);
        var hanging = new Rounds();
        var stopping = new Rounds();
        try (var stage = Stage.open(
                bench,
                kinds.stream().filter(kind -> !kind.name().equals(COTYLEDON)).toList(),
                "stuck")) {
            ServicesManager sennit = stage.get(SENNIT);
            hanging.add(HUNG, 0, rounds, () -> hang(sennit));
            stopping.add(STUBBORN, 0, rounds, () -> scaleDown(sennit, STUBBORN));
            stopping.add(COMMAND, 0, rounds, () -> scaleDown(sennit, COMMAND));
            for (ServicesManager.Kind kind : kinds) {
                if (kind.name().equals(COTYLEDON)) { // cannot stop one of its services
                    stopping.add(COTYLEDON, 0, rounds, () -> shutDown(bench, kind));
                }
            }
            if (stage.has(SYSTEMD)) {
                hanging.add(SYSTEMD, 0, rounds, () -> hang(stage.get(SYSTEMD)));
                stopping.add(SYSTEMD, 0, rounds, () -> scaleDown(stage.get(SYSTEMD), STUBBORN));
            }
            Map<String, Samples> hung = figures(hanging.run(), 0);
            Map<String, Samples> late = figures(stopping.run(), 0);
            table.row("gone after its heartbeat limit of 1 s, Java service", of(hung, HUNG), hung).aimOfAll(0.2);
            String figure = "gone after its stop limit of 1 s, ";
            table.row(figure + "Java service", of(late, STUBBORN), ofForks(late)).aimOfAll(0.2);
            table.row(figure + "command", of(late, COMMAND), late).aimOfAll(0.2);
        }
    }

    /** The worker gives a heartbeat and writes its line, and the manager kills it; without end. */
    private static double[] hang(ServicesManager manager) throws InterruptedException {
        ServicesManager.Said beat = manager.await(READY, HUNG, System.nanoTime());
        double limit = ServicesPeer.HEARTBEAT_LIMIT.toNanos() / 1e9;
        return new double[] {ServicesManager.secondsUntilGone(List.of(beat.pid()), beat.at(), STUCK_SECONDS) - limit};
    }

    private static double[] scaleDown(ServicesManager manager, String service) throws Exception {
        long pid = manager.last(READY, service).pid();
        Thread.sleep(SETTLE_MILLIS);
        double late = lateAfter("scale " + service + " 0", manager, pid);
        long now = System.nanoTime();
        manager.say("scale " + service + " 1");
        manager.await(READY, service, now);
        return new double[] {late};
    }

    private static double[] shutDown(Bench bench, ServicesManager.Kind kind) throws Exception {
        try (ServicesManager manager = kind.start(bench, "stubborn")) {
            long pid = manager.last(READY, STUBBORN).pid();
            Thread.sleep(SETTLE_MILLIS);
            return new double[] {lateAfter("stop", manager, pid)};
        }
    }

    private static double lateAfter(String order, ServicesManager manager, long pid) throws IOException {
        long asked = System.nanoTime();
        manager.say(order);
        double limit = ServicesPeer.STOP_LIMIT.toNanos() / 1e9;
        return ServicesManager.secondsUntilGone(List.of(pid), asked, STUCK_SECONDS) - limit;
    }

    // ---- orphans ----

    private static void orphans(Bench bench, List<ServicesManager.Kind> kinds, ServicesTable table) throws Exception {
        for (boolean stopped : new boolean[] {false, true}) {
            var contest = new Rounds();
            for (ServicesManager.Kind kind : kinds) {
                if (!kind.name().equals(SYSTEMD)) { // nothing outlives a process 1
                    contest.add(kind.name(), 0, bench.size(5, 1), () -> orphan(bench, kind, stopped));
                }
            }
            Map<String, Samples> gone = figures(contest.run(), 0);
            String figure = "last orphan gone after kill -9 of the manager";
            table.row(stopped ? figure + ", the workers stopped" : figure, of(gone, SENNIT), gone)
                    .aimOfAll(0.1);
        }
    }

    private static double[] orphan(Bench bench, ServicesManager.Kind kind, boolean stopped) throws Exception {
        try (ServicesManager manager = kind.start(bench, "orphans")) {
            List<ServicesManager.Said> workers = manager.awaitAll(ORPHANS, READY, ANY, 0);
            Thread.sleep(SETTLE_MILLIS);
            List<ProcessHandle> all = manager.descendants();
            if (stopped) {
                List<String> command = new ArrayList<>(List.of("kill", "-STOP"));
                workers.forEach(worker -> command.add(Long.toString(worker.pid())));
                new ProcessBuilder(command).inheritIO().start().waitFor();
            }
            long killed = manager.kill();
            double seconds = ServicesManager.secondsUntilGone(
                    all.stream().map(ProcessHandle::pid).toList(), killed, NEVER_SECONDS);
            all.forEach(ProcessHandle::destroyForcibly);
            return new double[] {seconds};
        }
    }

    // ---- memory ----

    private static void memory(Bench bench, List<ServicesManager.Kind> kinds, ServicesTable table) throws Exception {
        Map<String, Samples> all = new LinkedHashMap<>();
        for (ServicesManager.Kind kind : kinds) {
            all.put(kind.name(), new Samples(idleMemory(bench, kind, "idle")));
        }
        ServicesManager.Kind small = sennit(SMALL);
        String figure = "resident memory of a manager of " + IDLE_WORKERS + " idle ";
        String options = ", " + String.join(" ", SMALL);
        table.memory(figure + "commands", of(all, SENNIT), all);
        table.memory(figure + "commands" + options, new Samples(idleMemory(bench, small, "idle")), all);
        table.memory(figure + "Java services" + options, new Samples(idleMemory(bench, small, "idle-java")),
                ofForks(all));
    }

    private static double idleMemory(Bench bench, ServicesManager.Kind kind, String scene) throws Exception {
        try (ServicesManager manager = kind.start(bench, scene)) {
            manager.awaitAll(IDLE_WORKERS, READY, ANY, 0);
            Thread.sleep(bench.quick() ? 0 : IDLE_MILLIS);
            return manager.memory();
        }
    }

    // ---- figures ----

    private static Map<String, Samples> figures(Map<String, List<double[]>> measured, int figure) {
        Map<String, Samples> figures = new LinkedHashMap<>();
        measured.forEach((name, rounds) -> figures.put(
                name,
                new Samples(rounds.stream().mapToDouble(round -> round[figure]).toArray())));
        return figures;
    }

    private static Samples of(Map<String, Samples> figures, String contestant) {
        return Objects.requireNonNull(figures.get(contestant), contestant);
    }

    /** Leaves out systemd, whose workers are commands. */
    private static Map<String, Samples> ofForks(Map<String, Samples> figures) {
        Map<String, Samples> forks = new LinkedHashMap<>(figures);
        forks.remove(SYSTEMD);
        return forks;
    }

    /** A scene of every kind of manager, all open at once. */
    private static final class Stage implements AutoCloseable {
        private final Map<String, ServicesManager> managers = new LinkedHashMap<>();

        static Stage open(Bench bench, List<ServicesManager.Kind> kinds, String scene) throws Exception {
            var stage = new Stage();
            try {
                for (ServicesManager.Kind kind : kinds) {
                    stage.managers.put(kind.name(), kind.start(bench, scene));
                }
                return stage;
            } catch (Exception e) {
                stage.close();
                throw e;
            }
        }

        List<String> peers() {
            return managers.keySet().stream().filter(name -> !name.equals(SENNIT)).toList();
        }

        boolean has(String name) {
            return managers.containsKey(name);
        }

        ServicesManager get(String name) {
            return Objects.requireNonNull(managers.get(name), name);
        }

        @Override
        public void close() throws IOException {
            for (ServicesManager manager : managers.values()) {
                manager.close();
            }
        }
    }
}
