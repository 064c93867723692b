package dev.sennit.process;

import static dev.sennit.loop.WaitingMethods.waits;
import static dev.sennit.loop.WaitingMethods.waitsWithin;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.loop.ByteStream;
import dev.sennit.loop.DatagramEndpoint;
import dev.sennit.loop.EventLoop;
import dev.sennit.loop.Listener;
import dev.sennit.loop.Subprocess;
import dev.sennit.loop.WaitingMethods;
import dev.sennit.loop.WaitingMethods.Entry;
import dev.sennit.loop.WaitingMethods.Part;
import dev.sennit.manager.ManagedBarrier;
import dev.sennit.manager.ManagedBoundedSemaphore;
import dev.sennit.manager.ManagedEvent;
import dev.sennit.manager.ManagedQueue;
import dev.sennit.manager.ManagedSemaphore;
import dev.sennit.manager.ManagerClient;
import dev.sennit.manager.ManagerServer;
import dev.sennit.pipe.Connection;
import dev.sennit.pipe.ConnectionAddress;
import dev.sennit.pipe.ConnectionListener;
import dev.sennit.pipe.Pipe;
import dev.sennit.shared.InterProcessLock;
import dev.sennit.shared.SharedBarrier;
import dev.sennit.shared.SharedBoundedSemaphore;
import dev.sennit.shared.SharedCondition;
import dev.sennit.shared.SharedEvent;
import dev.sennit.shared.SharedLock;
import dev.sennit.shared.SharedQueue;
import dev.sennit.shared.SharedReentrantLock;
import dev.sennit.shared.SharedSemaphore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Date;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What {@code WaitsTest} asks of all methods that wait, of those that need sockets, processes or memory that processes
 * share.
 */
public class WaitsIT {
    private static final Duration DAY = Duration.ofDays(1);
    private static final int MUCH = 64 << 20;

    /** For JUnit. */
    WaitsIT() {}

    /** Something that is waited for, and how. */
    private interface With<T> {
        void wait(T it) throws Exception;
    }

    /** What makes it. */
    private interface Made<T> {
        T make(Deque<Part> atEnd) throws Exception;
    }

    private static <T> Entry on(String method, Made<T> made, With<T> wait) {
        return waits(method, atEnd -> {
            T it = made.make(atEnd);
            return () -> wait.wait(it);
        });
    }

    /** In a thread that is gone then. */
    private static void elsewhere(Part part) throws Exception {
        Caller.of(() -> {
            part.run();
            return true;
        }).result();
    }

    private static <L extends Lock> L taken(L lock) throws Exception {
        elsewhere(lock::lock);
        return lock;
    }

    // ---- streams ----

    /** A server that takes connections in and says nothing. */
    private static ServerSocket silent(Deque<Part> atEnd) throws IOException {
        var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        atEnd.addLast(server::close);
        return server;
    }

    private static ByteStream connected(Deque<Part> atEnd) throws Exception {
        ByteStream stream = ByteStream.connect(silent(atEnd).getLocalSocketAddress(), null);
        atEnd.addFirst(stream::close);
        return stream;
    }

    private static Entry stream(String method, With<ByteStream> wait) {
        return on("ByteStream." + method, WaitsIT::connected, wait);
    }

    /** One that takes no more connections in. */
    private static ServerSocket full(Deque<Part> atEnd) throws IOException {
        var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        atEnd.addLast(server::close);
        for (int i = 0; i < 4; i++) {
            SocketChannel client = SocketChannel.open();
            atEnd.addLast(client::close);
            client.configureBlocking(false);
            client.connect(server.getLocalSocketAddress());
        }
        return server;
    }

    private static ByteStream beforeTheHandshake(Deque<Part> atEnd) throws Exception {
        Listener listener =
                Listener.openTls(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), SSLContext.getDefault());
        atEnd.addLast(listener::close);
        SocketChannel client = SocketChannel.open(listener.localAddress());
        atEnd.addLast(client::close);
        return listener.accept();
    }

    private static Listener listener(Deque<Part> atEnd) throws Exception {
        Listener listener = Listener.open(0);
        atEnd.addLast(listener::close);
        return listener;
    }

    private static Subprocess sleeping(Deque<Part> atEnd) throws Exception {
        Subprocess program = Subprocess.start(new ProcessBuilder("sleep", "1000"));
        atEnd.addLast(program::close);
        return program;
    }

    private static Stream<Entry> ofStreams() {
        return Stream.of(
                stream("read(byte[])", stream -> stream.read(new byte[10])),
                stream("read(ByteBuffer)", stream -> stream.read(ByteBuffer.allocate(10))),
                stream("readAll(int)", stream -> stream.readAll(10)),
                stream("readExactly(int)", stream -> stream.readExactly(10)),
                stream("readLine(int)", stream -> stream.readLine(10)),
                stream("readUntil(int, byte[][])", stream -> stream.readUntil(10, new byte[] {1})),
                stream("startTls(SSLContext, String)", stream -> stream.startTls(SSLContext.getDefault(), "localhost")),
                stream("acceptTls(SSLContext, SSLParameters)",
                        stream -> stream.acceptTls(SSLContext.getDefault(), new SSLParameters())),
                waits("ByteStream.transferTo(ByteStream)", atEnd -> {
                    ByteStream from = connected(atEnd);
                    ByteStream to = connected(atEnd);
                    return () -> from.transferTo(to);
                }),
                waits("ByteStream.transferTo(ByteStream, long)", atEnd -> {
                    ByteStream from = connected(atEnd);
                    ByteStream to = connected(atEnd);
                    return () -> from.transferTo(to, 10);
                }),
                on("Subprocess.communicate(byte[], int, Duration)", WaitsIT::sleeping,
                        it -> it.communicate(new byte[0], 10, DAY)),
                on("DatagramEndpoint.receive()", atEnd -> {
                    DatagramEndpoint endpoint = DatagramEndpoint.open(0);
                    atEnd.addLast(endpoint::close);
                    return endpoint;
                }, DatagramEndpoint::receive),
                stream("write(byte[])", stream -> stream.write(new byte[MUCH])),
                stream("write(ByteBuffer)", stream -> stream.write(ByteBuffer.allocate(MUCH))),
                stream("write(String)", stream -> stream.write("a".repeat(MUCH))),
                on("ByteStream.shutdownOutput()", WaitsIT::sleeping, program -> {
                    program.stdin().write(new byte[1 << 20]); // it does not read
                    program.stdin().shutdownOutput();
                }),
                on("ByteStream.handshake()", WaitsIT::beforeTheHandshake, ByteStream::handshake),
                on(
                        "ByteStream.connect(SocketAddress, Duration)",
                        WaitsIT::full,
                        server -> ByteStream.connect(server.getLocalSocketAddress(), DAY)),
                on(
                        "ByteStream.connect(String, int)",
                        WaitsIT::full,
                        server -> ByteStream.connect(server.getInetAddress().getHostAddress(), server.getLocalPort())),
                on(
                        "ByteStream.connectTls(String, int, SSLContext, Duration)",
                        WaitsIT::silent,
                        server -> ByteStream.connectTls(
                                server.getInetAddress().getHostAddress(), server.getLocalPort(),
                                SSLContext.getDefault(), DAY)),
                on("Listener.accept()", WaitsIT::listener, Listener::accept),
                on("Listener.serve(int, Handler)", WaitsIT::listener, listener -> listener.serve(1, client -> {})),
                on("Subprocess.waitFor()", WaitsIT::sleeping, Subprocess::waitFor),
                on("Subprocess.waitFor(Duration)", WaitsIT::sleeping, program -> program.waitFor(DAY)));
    }

    // ---- locks and the like that processes share ----

    private static SharedReentrantLock takenReentrant(Deque<Part> atEnd) throws Exception {
        return taken(SharedReentrantLock.create());
    }

    private static SharedLock takenShared(Deque<Part> atEnd) throws Exception {
        return taken(SharedLock.create());
    }

    private static InterProcessLock takenFile(Deque<Part> atEnd) throws Exception {
        Path file = Files.createTempFile("sennit", ".lock");
        atEnd.addLast(() -> Files.delete(file));
        return taken(InterProcessLock.at(file));
    }

    private static Entry locked(String method, With<SharedCondition> wait) {
        return waits("SharedCondition." + method, atEnd -> {
            SharedLock lock = SharedLock.create();
            SharedCondition condition = lock.newCondition();
            return () -> {
                lock.lock();
                wait.wait(condition);
            };
        });
    }

    private static SharedQueue<Integer> empty(Deque<Part> atEnd) {
        return SharedQueue.create(1, 1 << 16);
    }

    private static SharedQueue<Integer> full(SharedQueue<Integer> queue) {
        queue.add(1);
        return queue;
    }

    private static Stream<Entry> ofSharedMemory() {
        return Stream.of(
                on("SharedLock.lockInterruptibly()", WaitsIT::takenShared, Lock::lockInterruptibly),
                on("SharedLock.tryLock(long, TimeUnit)", WaitsIT::takenShared, lock -> lock.tryLock(1, TimeUnit.DAYS)),
                on("SharedReentrantLock.lockInterruptibly()", WaitsIT::takenReentrant, Lock::lockInterruptibly),
                on("SharedReentrantLock.tryLock(long, TimeUnit)", WaitsIT::takenReentrant,
                        lock -> lock.tryLock(1, TimeUnit.DAYS)),
                on("InterProcessLock.lockInterruptibly()", WaitsIT::takenFile, Lock::lockInterruptibly),
                on("InterProcessLock.tryLock(long, TimeUnit)", WaitsIT::takenFile,
                        lock -> lock.tryLock(1, TimeUnit.DAYS)),
                locked("await()", SharedCondition::await),
                locked("await(long, TimeUnit)", condition -> condition.await(1, TimeUnit.DAYS)),
                locked("awaitNanos(long)", condition -> condition.awaitNanos(DAY.toNanos())),
                locked(
                        "awaitUntil(Date)",
                        condition -> condition.awaitUntil(new Date(System.currentTimeMillis() + DAY.toMillis()))),
                on("SharedBarrier.await()", atEnd -> SharedBarrier.create(2), SharedBarrier::await),
                on("SharedBarrier.await(Action)", atEnd -> SharedBarrier.create(2), it -> it.await(() -> {})),
                on("SharedBarrier.await(long, TimeUnit)", atEnd -> SharedBarrier.create(2),
                        it -> it.await(1, TimeUnit.DAYS)),
                on("SharedBoundedSemaphore.acquire()", atEnd -> {
                    var semaphore = SharedBoundedSemaphore.create(1);
                    semaphore.acquire();
                    return semaphore;
                }, SharedBoundedSemaphore::acquire),
                on("SharedBoundedSemaphore.tryAcquire(Duration)", atEnd -> {
                    var semaphore = SharedBoundedSemaphore.create(1);
                    semaphore.acquire();
                    return semaphore;
                }, semaphore -> semaphore.tryAcquire(DAY)),
                on("SharedEvent.await()", atEnd -> SharedEvent.create(), SharedEvent::await),
                on("SharedEvent.await(Duration)", atEnd -> SharedEvent.create(), event -> event.await(DAY)),
                on("SharedSemaphore.acquire()", atEnd -> SharedSemaphore.create(0), SharedSemaphore::acquire),
                on("SharedSemaphore.acquire(int)", atEnd -> SharedSemaphore.create(1),
                        semaphore -> semaphore.acquire(2)),
                on(
                        "SharedSemaphore.tryAcquire(long, TimeUnit)",
                        atEnd -> SharedSemaphore.create(0),
                        semaphore -> semaphore.tryAcquire(1, TimeUnit.DAYS)),
                on(
                        "SharedSemaphore.tryAcquire(int, long, TimeUnit)",
                        atEnd -> SharedSemaphore.create(1),
                        semaphore -> semaphore.tryAcquire(2, 1, TimeUnit.DAYS)),
                on("SharedQueue.take()", WaitsIT::empty, SharedQueue::take),
                on("SharedQueue.poll(long, TimeUnit)", WaitsIT::empty, queue -> queue.poll(1, TimeUnit.DAYS)),
                on("SharedQueue.put(Object)", WaitsIT::empty, queue -> full(queue).put(2)),
                on("SharedQueue.offer(Object, long, TimeUnit)", WaitsIT::empty,
                        queue -> full(queue).offer(2, 1, TimeUnit.DAYS)),
                on("SharedQueue.join()", WaitsIT::empty, queue -> full(queue).join()),
                on("SharedQueue.join(Duration)", WaitsIT::empty, queue -> full(queue).join(DAY)));
    }

    // ---- pipes, managers, processes ----

    private static Pipe pipe(Deque<Part> atEnd) {
        Pipe pipe = Pipe.open();
        atEnd.addLast(pipe::close);
        return pipe;
    }

    private static Connection quiet(Deque<Part> atEnd) {
        return pipe(atEnd).first();
    }

    /** One that another thread sends more to than there is room for. */
    private static Connection stuffed(Deque<Part> atEnd) throws Exception {
        Pipe pipe = pipe(atEnd);
        Caller<Boolean> receiver = Caller.of(() -> pipe.second().poll(Duration.ZERO)); // now they meet
        receiver.result();
        Caller<Boolean> sender = Caller.of(() -> {
            while (true) {
                pipe.first().sendBytes(new byte[1 << 16]);
            }
        });
        sender.awaitInside("select");
        return pipe.first();
    }

    private static ConnectionListener connectionListener(Deque<Part> atEnd) throws Exception {
        ConnectionListener listener = ConnectionListener.local();
        atEnd.addLast(listener::close);
        return listener;
    }

    /** Where something takes connections in and never greets. */
    private static ConnectionAddress silentAddress(Deque<Part> atEnd) throws Exception {
        return ConnectionAddress.of(silent(atEnd).getLocalPort(), new byte[32]);
    }

    private static Entry receiving(String method, With<Connection> wait) {
        return on("Connection." + method, WaitsIT::quiet, wait);
    }

    private static Entry sending(String method, With<Connection> wait) {
        return on("Connection." + method, WaitsIT::stuffed, end -> {
            while (true) {
                wait.wait(end);
            }
        });
    }

    private static <T> Made<T> managed(java.util.function.Function<ManagerClient, T> made) {
        return atEnd -> {
            ManagerServer server = ManagerServer.local();
            atEnd.addLast(server::close);
            return made.apply(server.client());
        };
    }

    private static <T> Entry managed(String method, java.util.function.Function<ManagerClient, T> made, With<T> wait) {
        return on(method, managed(made), wait);
    }

    private static ManagedQueue<Integer> unfinished(ManagerClient client) {
        ManagedQueue<Integer> queue = client.newQueue(1);
        queue.add(1);
        return queue;
    }

    private static ManagedSemaphore taken(ManagerClient client) {
        ManagedSemaphore semaphore = client.newSemaphore(1);
        semaphore.tryAcquire();
        return semaphore;
    }

    private static ManagedBoundedSemaphore takenBounded(ManagerClient client) {
        ManagedBoundedSemaphore semaphore = client.newBoundedSemaphore(1);
        semaphore.tryAcquire();
        return semaphore;
    }

    private static WorkerProcess process(Deque<Part> atEnd) {
        WorkerProcess process = WorkerProcess.start(() -> Thread.sleep(DAY));
        atEnd.addLast(process::kill);
        return process;
    }

    private static Stream<Entry> ofProcesses() {
        return Stream.of(
                on("ConnectionListener.accept()", WaitsIT::connectionListener, ConnectionListener::accept),
                on("Connection.connect(ConnectionAddress)", WaitsIT::silentAddress, Connection::connect),
                receiving("receive()", Connection::receive),
                receiving("receive(Class)", end -> end.receive(String.class)),
                receiving("receiveBytes()", Connection::receiveBytes),
                receiving("receiveBytes(byte[], int)", end -> end.receiveBytes(new byte[10], 0)),
                receiving("poll(Duration)", end -> end.poll(DAY)),
                receiving("waitAny(Collection, Duration)", end -> Connection.waitAny(List.of(end), DAY)),
                sending("send(Object)", end -> end.send("one more")),
                sending("sendBytes(byte[])", end -> end.sendBytes(new byte[10])),
                sending("sendBytes(byte[], int, int)", end -> end.sendBytes(new byte[10], 0, 10)),
                managed("ManagedBarrier.await()", client -> client.newBarrier(2), ManagedBarrier::await),
                managed("ManagedBarrier.await(Duration)", client -> client.newBarrier(2),
                        barrier -> barrier.await(DAY)),
                managed("ManagedEvent.await()", ManagerClient::newEvent, ManagedEvent::await),
                managed("ManagedEvent.await(Duration)", ManagerClient::newEvent, event -> event.await(DAY)),
                managed("ManagedQueue.join()", WaitsIT::unfinished, ManagedQueue::join),
                managed("ManagedQueue.join(Duration)", WaitsIT::unfinished, queue -> queue.join(DAY)),
                managed("ManagedQueue.put", WaitsIT::unfinished, queue -> queue.put(2)),
                managed("ManagedSemaphore.acquire()", WaitsIT::taken, ManagedSemaphore::acquire),
                managed("ManagedSemaphore.tryAcquire(Duration)", WaitsIT::taken,
                        semaphore -> semaphore.tryAcquire(DAY)),
                managed("ManagedBoundedSemaphore.acquire()", WaitsIT::takenBounded, ManagedBoundedSemaphore::acquire),
                managed("ManagedBoundedSemaphore.tryAcquire(Duration)", WaitsIT::takenBounded,
                        semaphore -> semaphore.tryAcquire(DAY)),
                managed("ManagedLock.lockInterruptibly", ManagerClient::newLock, lock -> {
                    elsewhere(lock::lock);
                    lock.lockInterruptibly();
                }),
                on("WorkerProcess.join()", WaitsIT::process, WorkerProcess::join),
                on("WorkerProcess.join(Duration)", WaitsIT::process, process -> process.join(DAY)),
                on("WorkerProcess.onExit", WaitsIT::process, process -> process.onExit().get()),
                waitsWithin("the future of a task in a process", atEnd -> {
                    ProcessPool pool = ProcessPool.builder().workers(1).open();
                    atEnd.addLast(pool::shutdownNow);
                    var future = pool.submit(() -> {
                        Thread.sleep(DAY);
                        return 1;
                    });
                    return future::get;
                }));
    }

    /** All of them. */
    public static Stream<Entry> all() {
        return Stream.of(ofStreams(), ofSharedMemory(), ofProcesses()).flatMap(one -> one);
    }

    @ParameterizedTest
    @MethodSource("all")
    void onALoopThatFallsBack(Entry entry) throws Exception {
        WaitingMethods.checkThatOthersHaveTheirTurn(
                entry, EventLoop.builder().mechanism(EventLoop.Mechanism.BATON).open(), () -> {});
    }
}
