package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Program;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskSerializationException;
import dev.sennit.TaskStop;
import dev.sennit.codec.Address;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.TaskCodec;
import dev.sennit.conformance.Signals;
import dev.sennit.manager.Forgery;
import dev.sennit.manager.ManagerAddress;
import dev.sennit.manager.ManagerClient;
import dev.sennit.manager.ManagerLostException;
import dev.sennit.manager.ManagerServer;
import dev.sennit.observe.TaskEvent;
import dev.sennit.observe.TaskEvents;
import dev.sennit.pipe.Connection;
import dev.sennit.pipe.ForgedEnds;
import dev.sennit.pipe.Pipe;
import dev.sennit.shared.SharedMemory;
import java.io.IOException;
import java.io.Serializable;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.opentest4j.ValueWrapper;

/**
 * Workers that break the protocol, simulated by tasks that send messages in the worker's name: each may fail only its
 * own task.
 */
@Timeout(120)
class HostileWorkersIT {
    private static ProcessPool.Builder one() {
        return ProcessPool.builder().workers(1).heap("64m").output(WorkerOutput.DISCARD);
    }

    private static void assertServes(ProcessPool pool) throws Exception {
        assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
        assertThat(pool.statistics().workersLost()).isOne();
    }

    private static Object field(Object of, String name) throws Exception {
        var field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    /** Returns the worker's end of the link. Called in a task. */
    private static WorkerLink.WorkerEnd end() throws Exception {
        return (WorkerLink.WorkerEnd) field(Thread.currentThread(), "end");
    }

    private static int spin() {
        while (true) {
            Thread.onSpinWait();
        }
    }

    // ---- false reports of tasks ----

    enum Lie {
        ENDED_WHAT_WAS_NEVER_SENT {
            @Override
            void tell(StatusPage page) {
                page.saw(Long.MAX_VALUE);
                page.began(Long.MAX_VALUE);
                page.ended(Long.MAX_VALUE);
            }
        },
        ENDED_WHAT_IT_HAS_NOT_BEGUN {
            @Override
            void tell(StatusPage page) {
                page.ended(page.progress().begun() + 1);
            }
        },
        BEGAN_WHAT_IT_HAS_NOT_SEEN {
            @Override
            void tell(StatusPage page) {
                page.began(page.progress().seen() + 1);
            }
        },
        DID_NOTHING_AFTER_ALL {
            @Override
            void tell(StatusPage page) {
                page.ended(0);
                page.began(0);
                page.saw(0);
            }
        };

        abstract void tell(StatusPage page);
    }

    @ParameterizedTest
    @CsvSource({
        "ENDED_WHAT_WAS_NEVER_SENT, AUTO",
        "ENDED_WHAT_WAS_NEVER_SENT, SOCKET",
        "ENDED_WHAT_IT_HAS_NOT_BEGUN, AUTO",
        "BEGAN_WHAT_IT_HAS_NOT_SEEN, AUTO",
        "DID_NOTHING_AFTER_ALL, AUTO"
    })
    void whoSaysWhatCannotBeIsKilled(Lie lie, WorkerTransport transport, @TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().transport(transport).open()) {
            TaskFuture<Integer> liar = pool.submit(() -> {
                here.set("began");
                here.await("it may lie");
                lie.tell(end().page());
                here.set("lied");
                return spin();
            });
            here.await("began");
            assertThat(hasEndedWhatItRuns(pool)).isFalse();
            here.set("it may lie");
            here.await("lied");
            hasEndedWhatItRuns(pool);
            assertThatThrownBy(() -> liar.get(60, SECONDS))
                    .hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContaining("said of its tasks what cannot be, and was killed: ended ");
            assertServes(pool);
        }
    }

    /** Returns whether the running task has ended, as the end of a time limit checks it. */
    private static boolean hasEndedWhatItRuns(ProcessPool pool) {
        WorkerJvm worker = Objects.requireNonNull(pool.slots().getFirst().worker());
        return worker.hasEnded(Objects.requireNonNull(worker.current.get()));
    }

    @Test
    void whoSaysThatItsTaskHasEndedHasToAnswer(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().grace(Duration.ZERO).open()) {
            TaskFuture<Integer> silent = pool.submit(() -> {
                StatusPage page = end().page();
                page.ended(page.progress().begun());
                here.set("said so");
                return spin();
            });
            here.await("said so");
            silent.cancel(true);
            assertServes(pool);
        }
    }

    @Test
    void timesThatCannotBeAreNotBelieved() throws Exception {
        try (ProcessPool pool = one().open()) {
            pool.submit(() -> 1).get(60, SECONDS);
            TaskFuture<Integer> ageless = pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                long task = end.page().progress().begun();
                end.send(WorkerLink.Kind.VALUE, task, Long.MAX_VALUE, Long.MIN_VALUE, TaskCodec.encodeValue(7));
                return spin();
            });
            assertThat(ageless.get(60, SECONDS)).isEqualTo(7);
            assertThat(pool.statistics().runTime()).isBetween(Duration.ZERO, Duration.ofMinutes(2));
            assertThat(pool.statistics().cpuTime().orElseThrow()).isBetween(Duration.ZERO, Duration.ofMinutes(2));
            pool.shutdownNow();
        }
    }

    // ---- false progress ----

    private static MessageBuffer text(int bytes) throws IOException {
        var text = new MessageBuffer();
        text.write(new byte[bytes]);
        return text;
    }

    /** A total below what is done, less than nothing done, and a message that is too long. */
    @ParameterizedTest
    @CsvSource({"5, 4, 0, AUTO", "-1, 4, 0, AUTO", "1, -2, 0, AUTO", "1, 2, 601, AUTO", "1, 2, 1000000, SOCKET"})
    void progressThatCannotBeIsNotBelieved(long done, long total, int length, WorkerTransport transport)
            throws Exception {
        try (ProcessPool pool = one().transport(transport).open()) {
            TaskFuture<Integer> liar = pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                end.send(WorkerLink.Kind.PROGRESS, end.page().progress().begun(), done, total, text(length));
                return spin();
            });
            assertThatThrownBy(() -> liar.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContaining(
                            "sent what makes no sense, and was killed: progress of " + done + " of " + total
                                    + " with " + length + " bytes");
            assertServes(pool);
        }
    }

    @Test
    void progressWithoutEndHoldsNobody() throws Exception {
        try (TaskEvents events = TaskEvents.open(); ProcessPool pool = one().open()) {
            pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                long task = end.page().progress().begun();
                for (int i = 0; i < 100_000; i++) {
                    end.send(WorkerLink.Kind.PROGRESS, task + i % 2, i, -1, text(3));
                }
                return 1;
            }).get(60, SECONDS);
            assertThat(events.drain()).filteredOn(event -> event.kind() == TaskEvent.Kind.PROGRESS)
                    .hasSizeLessThan(10_000)
                    .allSatisfy(event -> assertThat(event.progress().orElseThrow().done()).isEven());
            assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    // ---- what it sends for its task ----

    enum Message {
        OF_A_TASK_TO_COME("answered what nobody had asked, and was killed") {
            @Override
            void send(WorkerLink.WorkerEnd end, long task) throws IOException {
                end.send(WorkerLink.Kind.MESSAGE, task + 1, 0, 0, text(3));
            }
        },
        OF_A_TASK_THAT_HAS_ENDED("answered what nobody had asked, and was killed") {
            @Override
            void send(WorkerLink.WorkerEnd end, long task) throws IOException {
                end.send(WorkerLink.Kind.MESSAGE, task - 1, 0, 0, text(3));
            }
        },
        TOO_LONG("sent a message of 1048577 bytes, and was killed") {
            @Override
            void send(WorkerLink.WorkerEnd end, long task) throws IOException {
                end.send(WorkerLink.Kind.MESSAGE, task, 0, 0, text((1 << 20) + 1));
            }
        };

        private final String cause;

        Message(String cause) {
            this.cause = cause;
        }

        abstract void send(WorkerLink.WorkerEnd end, long task) throws IOException;
    }

    @ParameterizedTest
    @CsvSource({
        "OF_A_TASK_TO_COME, AUTO",
        "OF_A_TASK_TO_COME, SOCKET",
        "OF_A_TASK_THAT_HAS_ENDED, AUTO",
        "TOO_LONG, AUTO",
        "TOO_LONG, SOCKET"
    })
    void aMessageThatCannotBeIsNotTold(Message lie, WorkerTransport transport) throws Exception {
        List<byte[]> heard = new CopyOnWriteArrayList<>();
        try (ProcessPool pool = one().transport(transport).open()) {
            TaskFuture<Integer> liar = pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                lie.send(end, end.page().progress().begun());
                return spin();
            }, TaskOptions.NONE.onMessage(heard::add));
            assertThatThrownBy(() -> liar.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContaining(lie.cause);
            assertThat(heard).isEmpty();
            assertServes(pool);
        }
    }

    @ParameterizedTest
    @EnumSource(WorkerTransport.class)
    void aMessageThatNobodyHearsIsNotTold(WorkerTransport transport) throws Exception {
        try (ProcessPool pool = one().transport(transport).open()) {
            TaskFuture<Integer> liar = pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                end.send(WorkerLink.Kind.MESSAGE, end.page().progress().begun(), 0, 0, text(3));
                return spin();
            });
            assertThatThrownBy(() -> liar.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContaining("sent a message that nobody hears, and was killed");
            assertServes(pool);
        }
    }

    /** An initializer has no submitter, and READY no task. */
    @Test
    void aMessageBeforeTheFirstTaskIsNotTold() {
        ProcessPool.Builder talkative = one().initializer(
                () -> end().send(WorkerLink.Kind.MESSAGE, end().page().progress().begun(), 0, 0, text(3)));
        try (ProcessPool pool = talkative.open()) {
            assertThatThrownBy(() -> pool.submit(() -> 1).get(60, SECONDS))
                    .hasMessageContaining("answered what nobody had asked, and was killed");
        }
    }

    /** A worker may write into the page what it likes, and the parent neither waits nor is misled. */
    @Test
    void requestsToStopThatAWorkerForgesAreItsOwnLoss(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().open()) {
            TaskFuture<Integer> forger = pool.submit(() -> {
                StatusPage page = end().page();
                for (long word = 0; word < 2 * StatusPage.WORDS; word++) {
                    page.requestStop(Long.MAX_VALUE - word);
                }
                here.set("forged");
                here.await("asked");
                return 1;
            });
            here.await("forged");
            forger.requestStop();
            here.set("asked");
            assertThat(forger.get(60, SECONDS)).isEqualTo(1);
            assertThat(pool.submit(() -> TaskStop.isRequested()).get(60, SECONDS)).isFalse();
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    // ---- standing still ----

    /** The parent writes a task that the worker does not read, and the connection ends meanwhile. */
    @Test
    void whoHangsUpAndStandsStillHoldsNobody(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().heap("256m").transport(WorkerTransport.SOCKET).open()) {
            TaskFuture<Integer> first = pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                end.page().ended(end.page().progress().begun());
                end.send(WorkerLink.Kind.VALUE, end.page().progress().begun(), 0, 0, TaskCodec.encodeValue(1));
                here.await("the second is on its way");
                ((SocketChannel) field(end, "socket")).shutdownOutput();
                return spin();
            });
            assertThat(first.get(60, SECONDS)).isOne();
            byte[] large = new byte[10 << 20];
            TaskFuture<Integer> second = pool.submit(() -> large.length);
            Awaitility.await().until(() -> Thread.getAllStackTraces().entrySet().stream()
                    .anyMatch(thread -> thread.getKey().getName().equals("sennit-sender")
                            && thread.getValue()[0].getMethodName().startsWith("write")));
            here.set("the second is on its way");
            assertThat(second.get(60, SECONDS)).isEqualTo(large.length);
            assertServes(pool);
        }
    }

    // ---- false trust ----

    /** Static state that a task leaves in its worker. */
    static final class Left {
        static Connection ours;
        static ManagerServer manager;

        private Left() {}
    }

    record Beside(int value) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** The worker names a package, and a jar, that its parent never allowed. */
    @Test
    void anEndOfAPipeBringsNoAllowListOfItsOwn() throws Exception {
        try (ProcessPool pool = one().open()) {
            Connection here = pool.submit(() -> {
                ForgedEnds ends = ForgedEnds.open();
                Left.ours = ends.kept();
                return ends.given();
            }).get(60, SECONDS);
            try (here) {
                pool.submit(() -> {
                    Left.ours.send(ValueWrapper.create("not allowed"));
                    Left.ours.send(new Beside(1));
                    Left.ours.send(ValueWrapper.create("allowed here"));
                    return null;
                }).get(60, SECONDS);
                assertThatThrownBy(here::receive)
                        .isInstanceOf(TaskSerializationException.class)
                        .hasMessageContaining("class org.opentest4j.ValueWrapper is not on the allow-list");
                assertThat(here.receive()).as("the pool's own list applies").isEqualTo(new Beside(1));
                here.allow("org.opentest4j.*");
                assertThat(here.receive(ValueWrapper.class).getValue()).isEqualTo("allowed here");
            }
        }
    }

    /** The same over a connection that was passed to the worker. */
    @Test
    void anEndThatCameOverAnotherHasTheListOfThat() throws Exception {
        try (ProcessPool pool = one().open();
                Pipe pipe = Pipe.open()) {
            Connection theirs = pipe.second();
            pool.submit(() -> {
                ForgedEnds ends = ForgedEnds.open();
                Left.ours = ends.kept();
                theirs.send(ends.given());
                Left.ours.send(ValueWrapper.create("not allowed"));
                Left.ours.send(new Beside(1));
                return null;
            }).get(60, SECONDS);
            try (Connection here = pipe.first().receive(Connection.class)) {
                assertThatThrownBy(here::receive)
                        .isInstanceOf(TaskSerializationException.class)
                        .hasMessageContaining("class org.opentest4j.ValueWrapper is not on the allow-list");
                assertThat(here.receive()).isEqualTo(new Beside(1));
            }
        }
    }

    /** A worker trusts its parent: what the parent allowed goes with the task. */
    @Test
    void aWorkerBelievesItsParentsList() throws Exception {
        try (ProcessPool pool = one().open();
                Pipe pipe = Pipe.open()) {
            Connection theirs = pipe.second().allow("org.opentest4j.*");
            pipe.first().send(ValueWrapper.create("from the parent"));
            assertThat(pool.submit(() -> theirs.receive(ValueWrapper.class).getValue()).get(60, SECONDS))
                    .isEqualTo("from the parent");
        }
    }

    @Test
    void aProxyBringsNoAllowListOfItsOwn() throws Exception {
        try (ProcessPool pool = one().open()) {
            List<Object> theirs = pool.submit(() -> {
                Left.manager = ManagerServer.builder().allow("org.opentest4j.**", Beside.class.getName()).open();
                List<Object> list = Left.manager.client().newList();
                list.add(ValueWrapper.create("not allowed"));
                list.add(new Beside(2));
                return list;
            }).get(60, SECONDS);
            assertThatThrownBy(() -> theirs.get(0))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("class org.opentest4j.ValueWrapper is not on the allow-list");
            assertThat(theirs.get(1)).as("the pool's own list applies").isEqualTo(new Beside(2));
            ManagerAddress address = pool.submit(() -> Left.manager.address()).get(60, SECONDS);
            try (ManagerClient client = ManagerClient.connect(address)) {
                List<Object> again = client.list("again");
                again.addAll(List.of(1));
                assertThat(Forgery.named(address)).doesNotContain("org.opentest4j.**");
            }
        }
    }

    @Test
    void aWorkersProxiesHaveItsParentsList() throws Exception {
        try (ProcessPool pool = one().open();
                ManagerServer manager = ManagerServer.builder().allow("org.opentest4j.*").open()) {
            List<Object> list = manager.client().newList();
            list.add(ValueWrapper.create("allowed by the parent"));
            assertThat(pool.submit(() -> ((ValueWrapper) list.get(0)).getValue()).get(60, SECONDS))
                    .isEqualTo("allowed by the parent");
        }
    }

    /** The worker has a server of its own, and pretends that it is the parent's. */
    @ParameterizedTest
    @CsvSource({"true", "false"})
    void aForgedProxyDoesNotStandBetweenUsAndOurManager(boolean withOurSocket) throws Exception {
        try (ProcessPool pool = one().open();
                ManagerServer manager = ManagerServer.local()) {
            ManagerAddress ours = manager.address();
            List<Object> forged = pool.submit(() -> {
                Left.manager = ManagerServer.local();
                ManagerAddress theirs = Left.manager.address();
                var mixed = Forgery.address(Forgery.server(ours), Forgery.socket(withOurSocket ? ours : theirs),
                        Forgery.key(theirs));
                Left.manager.client().newList();
                return Forgery.firstListAt(mixed);
            }).get(60, SECONDS);
            assertThat(Forgery.objects(manager)).as("it holds nothing of ours").isZero();
            List<Integer> list = manager.client().newList();
            assertThat(forged).isNotSameAs(list);
            list.add(1);
            assertThat(Forgery.objects(manager)).isOne();
            assertThat(pool.submit(() -> Forgery.objects(Left.manager)).get(60, SECONDS)).isOne();
            assertThatThrownBy(() -> forged.add("ours"))
                    .isInstanceOf(ManagerLostException.class)
                    .hasMessageContaining(withOurSocket ? "another key" : "another manager");
            assertThat(list).containsExactly(1);
        }
    }

    /** A forged manager's folder would be removed with its content when that manager is lost. */
    @Test
    void aProxyLeadsToNoSocketButAManagers(@TempDir Path folder) throws Exception {
        String elsewhere = folder.resolve("manager").toString();
        try (ProcessPool pool = one().open()) {
            TaskFuture<Object> forged = pool.submit(() -> {
                ManagerAddress address = Forgery.address(1, elsewhere, new byte[32]);
                return (Object) Forgery.firstListAt(address);
            });
            assertThatThrownBy(() -> forged.get(60, SECONDS))
                    .hasCauseInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("is no folder of Sennit's to connect in");
        }
    }

    // ---- forged addresses of shared memory ----

    /** Travels as the given address. */
    private record Forged(Address address) implements Serializable {
        private static final long serialVersionUID = 1L;

        private Object writeReplace() {
            return new Object[] {address, new StringBuilder("not compact")};
        }
    }

    /** Forged places of shared memory. */
    enum Place {
        A_DEVICE {
            @Override
            Address forge() throws Exception {
                return of(ProcessHandle.current().pid(), "/dev/zero");
            }
        },
        A_NAMED_PIPE {
            @Override
            Address forge() throws Exception {
                Path folder = Files.createTempDirectory("fifo");
                Path pipe = folder.resolve("pipe");
                new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor();
                Address address = of(ProcessHandle.current().pid(), pipe.toString());
                Files.delete(pipe);
                Files.delete(folder);
                return address;
            }
        },
        A_FILE_THAT_CAN_SHRINK {
            @Override
            Address forge() throws Exception {
                Path file = Files.createTempFile("shrinks", "");
                try (var out = new java.io.RandomAccessFile(file.toFile(), "rw")) {
                    out.setLength(64 + 64);
                    writeHeader(out.getChannel());
                }
                Address address = of(ProcessHandle.current().pid(), file.toString());
                Files.delete(file);
                return address;
            }
        },
        A_PROCESS_OF_NOBODY {
            @Override
            Address forge() throws Exception {
                return key(1, "3");
            }
        };

        static final long ID = 4711;
        static java.io.RandomAccessFile open;

        abstract Address forge() throws Exception;

        private static void writeHeader(java.nio.channels.FileChannel file) throws Exception {
            var magic = SharedMemory.class.getDeclaredField("MAGIC");
            magic.setAccessible(true);
            file.write(java.nio.ByteBuffer.allocate(16)
                    .order(java.nio.ByteOrder.nativeOrder())
                    .putLong(magic.getLong(null))
                    .putLong(ID)
                    .flip());
        }

        /** Returns the address of a file that this process has open. */
        private static Address of(long pid, String path) throws Exception {
            open = new java.io.RandomAccessFile(path, "rw");
            try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
                for (Path one : descriptors.toList()) {
                    if (Files.isSymbolicLink(one) && Files.readSymbolicLink(one).toString().startsWith(path)) {
                        return key(pid, one.getFileName().toString());
                    }
                }
            }
            throw new AssertionError(path + " is not open");
        }

        private static Address key(long pid, String place) throws Exception {
            var constructor = Class.forName("dev.sennit.shared.SharedMemory$Key")
                    .getDeclaredConstructor(long.class, String.class, long.class, long.class);
            constructor.setAccessible(true);
            return (Address) constructor.newInstance(pid, place, ID, 64L);
        }
    }

    /** In each of the two forms of a result, and as the result itself. */
    @ParameterizedTest
    @EnumSource(Place.class)
    void memoryThatIsNoneOfOursIsRefused(Place place) throws Exception {
        try (ProcessPool pool = one().open()) {
            for (boolean compact : new boolean[] {true, false}) {
                assertThatThrownBy(
                        () -> pool.submit(() -> compact ? place.forge() : new Forged(place.forge())).get(60, SECONDS))
                        .hasCauseInstanceOf(TaskSerializationException.class)
                        .hasMessageContaining(compact
                                ? "an address where none belongs"
                                : place == Place.A_PROCESS_OF_NOBODY
                                        ? "process 1 is none of this program's"
                                        : "is no memory file of this library: it is ");
            }
            assertServesAll(pool);
        }
    }

    private static void assertServesAll(ProcessPool pool) throws Exception {
        assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
        assertThat(pool.statistics().workersLost()).isZero();
    }

    /** Shared memory that a worker made, or got from its parent, still arrives. */
    @Test
    void memoryOfTheFamilyIsNotRefused() throws Exception {
        try (SharedMemory ours = SharedMemory.create(64);
                ProcessPool pool = one().open()) {
            SharedMemory theirs = pool.submit(() -> {
                kept = SharedMemory.create(32);
                return kept;
            }).get(60, SECONDS);
            assertThat(theirs.size()).isEqualTo(32);
            assertThat(pool.submit(() -> ours).get(60, SECONDS)).isSameAs(ours);
            assertThat(pool.submit(() -> new Object[] {kept, new StringBuilder("not compact")}).get(60, SECONDS)[0])
                    .isSameAs(theirs);
        }
    }

    private static SharedMemory kept;

    /**
     * A program with a pool, whose worker answers with memory of another program: of the test, which has started this
     * program, and so is not among the processes that it has started.
     */
    static final class OtherProgram {
        public static void main(String[] arguments) throws Exception {
            String theirs = System.getProperty("theirs");
            try (ProcessPool pool = one().open()) {
                for (boolean compact : new boolean[] {true, false}) {
                    TaskFuture<Object> forged = pool.submit(() -> {
                        SharedMemory opened = SharedMemory.open(theirs);
                        return compact ? opened : new Object[] {opened, new StringBuilder("not compact")};
                    });
                    try {
                        System.out.println("was read: " + forged.get());
                    } catch (ExecutionException e) {
                        System.out.println(e.getCause().getMessage());
                    }
                }
                System.out.println("workers lost: " + pool.statistics().workersLost());
                System.out.println("by its own word: " + SharedMemory.open(theirs).size());
            }
        }
    }

    /** The forged memory is sealed, alive, and open to this user, so that only the trust check can refuse it. */
    @Test
    void memoryOfAnotherProgramIsRefused() throws Exception {
        try (SharedMemory memory = SharedMemory.create(64)) {
            String refusal =
                    "process " + ProcessHandle.current().pid()
                            + " is none of this program's; its shared memory is refused";
            List<String> said = Program.outputOf(
                    OtherProgram.class, "--enable-native-access=ALL-UNNAMED", "-Dsennit.cache=",
                    "-Dtheirs=" + memory.name())
                    .lines()
                    .toList();
            assertThat(said).hasSize(4);
            assertThat(said.subList(0, 2)).allSatisfy(line -> assertThat(line).contains(refusal));
            assertThat(said.subList(2, 4)).containsExactly("workers lost: 0", "by its own word: 64");
        }
    }

    // ---- deaths ----

    @Test
    void aTaskThatNoWorkerLivesToBeginFails() throws Exception {
        try (ProcessPool pool = one().heap("16m").open()) {
            byte[] large = new byte[24 << 20];
            TaskFuture<Integer> tooLarge = pool.submit(() -> large.length);
            assertThatThrownBy(() -> tooLarge.get(100, SECONDS))
                    .hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContainingAll("before it had begun task ", ", as had 4 others");
            assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
            assertThat(pool.statistics().workersLost()).isEqualTo(5);
        }
    }
}
