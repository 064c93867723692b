package dev.sennit.manager;

import dev.sennit.Action;
import dev.sennit.JoinableQueue;
import dev.sennit.RemoteTaskException;
import dev.sennit.TaskSerializationException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.manager.ManagerAddress.Identity;
import dev.sennit.manager.wire.BarrierOperations;
import dev.sennit.manager.wire.ListOperations;
import dev.sennit.manager.wire.LockOperations;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.ManagerProtocol.Message;
import dev.sennit.manager.wire.MapOperations;
import dev.sennit.manager.wire.MethodTable;
import dev.sennit.manager.wire.QueueOperations;
import java.io.IOException;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Finds and makes the objects of a manager, and returns proxies that work like the real objects.
 *
 * {@snippet :
 * try (ManagerServer manager = ManagerServer.local();
 *         ManagerClient client = ManagerClient.connect(manager.address())) { // most often in another process
 *     List<String> names = client.list("names"); // made by the first that asks for it
 *     names.add("Ada");
 *     List<String> scratch = client.newList(); // gone when nobody has it any more
 *     scratch.addAll(names);
 * }
 * }
 *
 * <p>A call is one message to the server and one back. Threads may share a client: their calls go over one connection,
 * and a waiting call delays no other. Proxies are serializable: a task that captures a proxy can use it where it runs,
 * through a connection that all such proxies in that JVM share. The {@linkplain ManagerAddress key} travels with the
 * proxy.
 *
 * <p>A method that throws {@link InterruptedException} can be interrupted, and then has had no effect; other methods
 * ignore interrupts. If the calling thread is interrupted before the call, the object learns of that, and reacts as it
 * would to a local caller. Exceptions of the object are rethrown here as they are, if their classes are allowed, with
 * the stacks of both sides.
 *
 * <p>Elements, keys and values are copies. A proxy among them stays connected: a list may hold lists, which live as
 * long as they are in it. Two objects that hold each other live as long as the server.
 */
public final class ManagerClient implements AutoCloseable {
    /**
     * The clients of proxies that came from elsewhere, by what a connection proves of the server; each connects at its
     * first use. The proxies hold their client, and so does its connection; an entry whose client is lost is removed
     * when the next is added.
     */
    private static final Map<Identity, Shared> SHARED = new ConcurrentHashMap<>();

    private static final ReferenceQueue<ManagerClient> LOST = new ReferenceQueue<>();

    private static final class Shared extends WeakReference<ManagerClient> {
        final Identity identity;

        Shared(ManagerClient client, Identity identity) {
            super(client, LOST);
            this.identity = identity;
        }
    }

    private final ManagerAddress given;
    private final @Nullable SSLContext tls;
    /** Whether it serves proxies from elsewhere, which name objects of one server only. */
    private final boolean shared;
    /** For proxies that were found or made here; a proxy from elsewhere has its own. */
    private volatile AllowList allowed;

    private final ClassLoader loader;
    /** Written with this locked. */
    private volatile @Nullable ManagerConnection connection;
    /** Guarded by this. */
    private boolean closed;

    private ManagerClient(ManagerAddress address, @Nullable SSLContext tls, boolean shared) {
        given = address;
        this.tls = tls;
        this.shared = shared;
        allowed = address.allowed().and();
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        loader = context != null ? context : ClassLoader.getSystemClassLoader();
    }

    /**
     * Connects to a server, within ten seconds.
     *
     * @param address the result of {@link ManagerServer#address}
     * @return a client with a connection of its own
     * @throws ManagerLostException if that fails
     */
    public static ManagerClient connect(ManagerAddress address) {
        var client = new ManagerClient(address, null, false);
        client.connection();
        return client;
    }

    /**
     * Connects to a server on another machine, within ten seconds. The context has to trust the server's certificate,
     * which has to name the host. Proxies that travel from here trust this certificate alone, and need no context.
     *
     * @param address the result of {@link ManagerAddress#remote}
     * @param context trusts the server's certificate
     * @return a client with a connection of its own
     * @throws ManagerLostException if that fails
     */
    public static ManagerClient connect(ManagerAddress address, SSLContext context) {
        var client = new ManagerClient(address, Objects.requireNonNull(context, "context"), false);
        client.connection();
        return client;
    }

    /** Returns this JVM's client for proxies that came from elsewhere. */
    static ManagerClient shared(ManagerAddress address) {
        for (Reference<?> lost = LOST.poll(); lost != null; lost = LOST.poll()) {
            SHARED.remove(((Shared) lost).identity, lost);
        }
        Identity identity = address.identity();
        var made = new ManagerClient(address, null, true);
        Shared kept = SHARED.compute(identity,
                (key, before) -> before == null || before.get() == null ? new Shared(made, key) : before);
        ManagerClient client = kept.get();
        return client != null ? client : shared(address);
    }

    static void closeShared(ManagerAddress address) {
        Shared kept = SHARED.get(address.identity());
        ManagerClient client = kept == null ? null : kept.get();
        if (client != null) {
            client.close();
        }
    }

    /** Removes this client from those that proxies from elsewhere get. */
    private void unshare() {
        if (shared) {
            SHARED.computeIfPresent(given.identity(), (key, kept) -> kept.get() == this ? null : kept);
        }
    }

    /**
     * Allows classes of results, for objects that are found or made here from now on.
     *
     * @param patterns class names, {@code package.*}, or {@code package.**} for the packages below it as well
     * @return this
     */
    public ManagerClient allow(String... patterns) {
        allowed = allowed.and(patterns);
        return this;
    }

    // ---- the connection ----

    ManagerConnection connection() {
        ManagerConnection open = connection;
        return open != null ? open : openConnection();
    }

    private synchronized ManagerConnection openConnection() {
        ManagerConnection open = connection;
        if (open == null) {
            if (closed) {
                throw new ManagerLostException("the client was closed", new IOException("the client was closed"));
            }
            open = ManagerConnection.open(given, tls, this::unshare);
            long told = open.address().server();
            if (shared && told != given.server()) { // its objects have different numbers
                String other = "another manager listens there than the one that the proxy is of";
                open.close();
                throw new ManagerLostException("cannot connect to the manager at " + where() + ": " + other,
                        new IOException(other));
            }
            connection = open;
        }
        return open;
    }

    /** Returns the connection, or null if it is not open. */
    @Nullable ManagerConnection connected() {
        ManagerConnection open = connection;
        return open == null || open.isLost() ? null : open;
    }

    /** Returns the address, as complete as it is known. */
    ManagerAddress address() {
        ManagerConnection open = connection;
        return open == null ? given : open.address();
    }

    long server() {
        return address().server();
    }

    /** Returns whether another client reaches the same server: an id counts only with the key that proves it. */
    boolean isOfSameServer(ManagerClient other) {
        return server() == other.server() && MessageDigest.isEqual(given.key(), other.given.key());
    }

    String where() {
        return given.where();
    }

    /**
     * Closes the connection, and ends every waiting call with a {@link ManagerLostException}. The server releases
     * everything that this client had. Calling it again has no effect.
     */
    @Override
    public void close() {
        ManagerConnection open;
        synchronized (this) {
            closed = true;
            open = connection;
        }
        if (open != null) {
            open.close();
        }
        unshare();
    }

    // ---- calls ----

    /** Returns the reader for results of proxies that are found or made here. */
    Reading reading() {
        return Reading.ofKeyHolder(allowed, loader);
    }

    @Nullable Object call(
            ManagerConnection open,
            Reading reading,
            long id,
            MethodTable methods,
            Method method,
            int number,
            @Nullable Object @Nullable [] arguments)
            throws Throwable {
        Message answer = open.call(id, number, encode(method, arguments), methods.isInterruptible(number));
        if (answer.kind() == ManagerProtocol.VALUE) {
            return answer.body().length == 0 ? null : TaskCodec.decodeValue(answer.body(), reading);
        }
        Throwable failure = TaskCodec.decodeFailure(answer.body(), reading);
        if (!isAllowedBy(method, failure)) {
            var standIn = new RemoteTaskException(failure.getClass().getName(), failure.toString());
            standIn.setStackTrace(failure.getStackTrace());
            failure = standIn;
        }
        throw withCallersStack(failure);
    }

    private static @Nullable MessageBuffer encode(Method method, @Nullable Object @Nullable [] arguments) {
        if (arguments == null) {
            return null;
        }
        String refusal = "arguments of " + method.getName() + " cannot travel to the manager";
        try {
            return TaskCodec.encodeValue(arguments, refusal);
        } catch (TaskSerializationException e) {
            for (Object argument : arguments) { // names the argument that cannot travel, and not the array
                TaskCodec.encodeValue(argument, refusal);
            }
            throw e;
        }
    }

    private static boolean isAllowedBy(Method method, Throwable failure) {
        return failure instanceof RuntimeException
                || failure instanceof Error
                || Arrays.stream(method.getExceptionTypes()).anyMatch(type -> type.isInstance(failure));
    }

    private Throwable withCallersStack(Throwable failure) {
        List<StackTraceElement> joined = new ArrayList<>(Arrays.asList(failure.getStackTrace()));
        Thread caller = Thread.currentThread();
        joined.add(new StackTraceElement("[the manager at " + where() + "]", "called by", "thread " + caller.getName(),
                -1));
        joined.addAll(Arrays.asList(new Throwable().getStackTrace()));
        failure.setStackTrace(joined.toArray(StackTraceElement[]::new));
        return failure;
    }

    // ---- objects ----

    /**
     * Returns a proxy of an object that was {@linkplain ManagerServer#register registered}. Abstract methods are called
     * at the server; default methods run here, and call the abstract ones. Two proxies are equal if they stand for the
     * same object.
     *
     * @param name its name
     * @param type the interface with which it was registered
     * @param <T> the interface
     * @return a proxy
     * @throws NoSuchElementException if there is no object of that name
     * @throws IllegalArgumentException if it has another interface, or another version of it
     */
    public <T> T get(String name, Class<T> type) {
        MethodTable methods = MethodTable.of(type);
        allowed.allowBeside(type);
        ManagerConnection open = connection();
        long id = directory().find(Objects.requireNonNull(name, "name"), type.getName(), methods.fingerprint());
        return type.cast(RemoteObject.counted(this, open, id, methods));
    }

    /**
     * Returns the list of that name; makes it if there is none. Iterators use a snapshot.
     *
     * @param name its name, under which it stays until the server is closed
     * @param <E> the type of the elements
     * @return a list in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public <E> List<E> list(String name) {
        return new RemoteList<>(make(ManagedKind.LIST, ListOperations.class, named(name), 0));
    }

    /**
     * Makes a list without a name, which is freed after its last proxy is gone. Iterators use a snapshot.
     *
     * @param <E> the type of the elements
     * @return a list in the manager
     */
    public <E> List<E> newList() {
        return new RemoteList<>(make(ManagedKind.LIST, ListOperations.class, null, 0));
    }

    /**
     * Returns the map of that name; makes it if there is none. Iterators use a snapshot; as with
     * {@link ConcurrentHashMap}, keys and values are not null.
     *
     * @param name its name, under which it stays until the server is closed
     * @param <K> the type of the keys
     * @param <V> the type of the values
     * @return a map in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public <K, V> ConcurrentMap<K, V> map(String name) {
        return new RemoteMap<>(make(ManagedKind.MAP, MapOperations.class, named(name), 0));
    }

    /**
     * Makes a map without a name, which is freed after its last proxy is gone. Iterators use a snapshot; as with
     * {@link ConcurrentHashMap}, keys and values are not null.
     *
     * @param <K> the type of the keys
     * @param <V> the type of the values
     * @return a map in the manager
     */
    public <K, V> ConcurrentMap<K, V> newMap() {
        return new RemoteMap<>(make(ManagedKind.MAP, MapOperations.class, null, 0));
    }

    /**
     * Returns the set of that name; makes it if there is none. It consists of the keys of the map of that name.
     *
     * @param name its name, under which it stays until the server is closed
     * @param <E> the type of the elements
     * @return a set in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public <E> Set<E> set(String name) {
        return new RemoteSet<>(new RemoteMap<>(make(ManagedKind.MAP, MapOperations.class, named(name), 0)));
    }

    /**
     * Makes a set without a name, which is freed after its last proxy is gone.
     *
     * @param <E> the type of the elements
     * @return a set in the manager
     */
    public <E> Set<E> newSet() {
        return new RemoteSet<>(new RemoteMap<>(make(ManagedKind.MAP, MapOperations.class, null, 0)));
    }

    /**
     * Returns the queue of that name; makes it if there is none. First in, first out.
     *
     * @param name its name, under which it stays until the server is closed
     * @param capacity how many elements may be in, 1 or more, or {@link JoinableQueue#UNBOUNDED}; ignored if it exists
     *     already
     * @param <E> the type of the elements
     * @return a queue in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public <E> ManagedQueue<E> queue(String name, int capacity) {
        return new RemoteQueue<>(make(ManagedKind.QUEUE, QueueOperations.class, named(name), capacity));
    }

    /**
     * Makes a queue without a name, which is freed after its last proxy is gone. First in, first out.
     *
     * @param capacity how many elements may be in, 1 or more, or {@link JoinableQueue#UNBOUNDED}
     * @param <E> the type of the elements
     * @return a queue in the manager
     */
    public <E> ManagedQueue<E> newQueue(int capacity) {
        return new RemoteQueue<>(make(ManagedKind.QUEUE, QueueOperations.class, null, capacity));
    }

    /**
     * Returns the value of that name; makes it if there is none. Null at first.
     *
     * @param name its name, under which it stays until the server is closed
     * @param <T> the type of the value
     * @return a value in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    @SuppressWarnings("unchecked") // it holds what was put in
    public <T> ManagedValue<T> value(String name) {
        return (ManagedValue<T>) make(ManagedKind.VALUE, ManagedValue.class, named(name), 0, (@Nullable Object) null);
    }

    /**
     * Returns the value of that name; makes it if there is none.
     *
     * @param name its name, under which it stays until the server is closed
     * @param initial the first value; ignored if it exists already
     * @param <T> the type of the value
     * @return a value in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    @SuppressWarnings("unchecked") // it holds what was put in
    public <T> ManagedValue<T> value(String name, T initial) {
        return (ManagedValue<T>) make(ManagedKind.VALUE, ManagedValue.class, named(name), 0, initial);
    }

    /**
     * Makes a value without a name, which is freed after its last proxy is gone. Null at first.
     *
     * @param <T> the type of the value
     * @return a value in the manager
     */
    @SuppressWarnings("unchecked") // it holds what was put in
    public <T> ManagedValue<T> newValue() {
        return (ManagedValue<T>) make(ManagedKind.VALUE, ManagedValue.class, null, 0, (@Nullable Object) null);
    }

    /**
     * Makes a value without a name, which is freed after its last proxy is gone.
     *
     * @param initial the first value
     * @param <T> the type of the value
     * @return a value in the manager
     */
    @SuppressWarnings("unchecked") // it holds what was put in
    public <T> ManagedValue<T> newValue(T initial) {
        return (ManagedValue<T>) make(ManagedKind.VALUE, ManagedValue.class, null, 0, initial);
    }

    /**
     * Returns the array of that name; makes it if there is none. Its length never changes.
     *
     * @param name its name, under which it stays until the server is closed
     * @param initial the first values; ignored if it exists already
     * @param <T> the type of the values
     * @return an array in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    @SuppressWarnings("unchecked") // it holds what was put in
    public <T> ManagedArray<T> array(String name, List<? extends @Nullable T> initial) {
        return (ManagedArray<T>) make(ManagedKind.ARRAY, ManagedArray.class, named(name), 0, initial.toArray());
    }

    /**
     * Makes an array without a name, which is freed after its last proxy is gone. Its length never changes.
     *
     * @param initial the first values
     * @param <T> the type of the values
     * @return an array in the manager
     */
    @SuppressWarnings("unchecked") // it holds what was put in
    public <T> ManagedArray<T> newArray(List<? extends @Nullable T> initial) {
        return (ManagedArray<T>) make(ManagedKind.ARRAY, ManagedArray.class, null, 0, initial.toArray());
    }

    /**
     * Returns the namespace of that name; makes it if there is none. Empty at first.
     *
     * @param name its name, under which it stays until the server is closed
     * @return a namespace in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public ManagedNamespace namespace(String name) {
        return make(ManagedKind.NAMESPACE, ManagedNamespace.class, named(name), 0);
    }

    /**
     * Makes a namespace without a name, which is freed after its last proxy is gone. Empty at first.
     *
     * @return a namespace in the manager
     */
    public ManagedNamespace newNamespace() {
        return make(ManagedKind.NAMESPACE, ManagedNamespace.class, null, 0);
    }

    /**
     * Returns the lock of that name; makes it if there is none.
     *
     * @param name its name, under which it stays until the server is closed
     * @return a lock in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public ManagedLock lock(String name) {
        return new RemoteLock(make(ManagedKind.LOCK, LockOperations.class, named(name), 0));
    }

    /**
     * Makes a lock without a name, which is freed after its last proxy is gone.
     *
     * @return a lock in the manager
     */
    public ManagedLock newLock() {
        return new RemoteLock(make(ManagedKind.LOCK, LockOperations.class, null, 0));
    }

    /**
     * Returns the semaphore of that name; makes it if there is none.
     *
     * @param name its name, under which it stays until the server is closed
     * @param permits how many are free at first, 0 or more; ignored if it exists already
     * @return a semaphore in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public ManagedSemaphore semaphore(String name, int permits) {
        return make(ManagedKind.SEMAPHORE, ManagedSemaphore.class, named(name), permits);
    }

    /**
     * Makes a semaphore without a name, which is freed after its last proxy is gone.
     *
     * @param permits how many are free at first, 0 or more
     * @return a semaphore in the manager
     */
    public ManagedSemaphore newSemaphore(int permits) {
        return make(ManagedKind.SEMAPHORE, ManagedSemaphore.class, null, permits);
    }

    /**
     * Returns the bounded semaphore of that name; makes it if there is none.
     *
     * @param name its name, under which it stays until the server is closed
     * @param permits how many there are, 1 or more; ignored if it exists already
     * @return a semaphore in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public ManagedBoundedSemaphore boundedSemaphore(String name, int permits) {
        return make(ManagedKind.BOUNDED_SEMAPHORE, ManagedBoundedSemaphore.class, named(name), permits);
    }

    /**
     * Makes a bounded semaphore without a name, which is freed after its last proxy is gone.
     *
     * @param permits how many there are, 1 or more
     * @return a semaphore in the manager
     */
    public ManagedBoundedSemaphore newBoundedSemaphore(int permits) {
        return make(ManagedKind.BOUNDED_SEMAPHORE, ManagedBoundedSemaphore.class, null, permits);
    }

    /**
     * Returns the event of that name; makes it if there is none. Clear at first.
     *
     * @param name its name, under which it stays until the server is closed
     * @return an event in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public ManagedEvent event(String name) {
        return make(ManagedKind.EVENT, ManagedEvent.class, named(name), 0);
    }

    /**
     * Makes an event without a name, which is freed after its last proxy is gone. Clear at first.
     *
     * @return an event in the manager
     */
    public ManagedEvent newEvent() {
        return make(ManagedKind.EVENT, ManagedEvent.class, null, 0);
    }

    /**
     * Returns the barrier of that name; makes it if there is none.
     *
     * @param name its name, under which it stays until the server is closed
     * @param parties how many threads open it, 1 or more; ignored if it exists already
     * @return a barrier in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public ManagedBarrier barrier(String name, int parties) {
        return new RemoteBarrier(make(ManagedKind.BARRIER, BarrierOperations.class, named(name), parties), null);
    }

    /**
     * Returns the barrier of that name; makes it if there is none. If the last thread comes through this proxy, it runs
     * an action.
     *
     * @param name its name, under which it stays until the server is closed
     * @param parties how many threads open it, 1 or more; ignored if it exists already
     * @param action run by the last thread before all go on, see {@link ManagedBarrier}; other proxies may have
     *     another, or none
     * @return a barrier in the manager
     * @throws IllegalArgumentException if something else has that name
     */
    public ManagedBarrier barrier(String name, int parties, Action action) {
        Objects.requireNonNull(action, "action");
        return new RemoteBarrier(make(ManagedKind.BARRIER, BarrierOperations.class, named(name), parties), action);
    }

    /**
     * Makes a barrier without a name, which is freed after its last proxy is gone.
     *
     * @param parties how many threads open it, 1 or more
     * @return a barrier in the manager
     */
    public ManagedBarrier newBarrier(int parties) {
        return new RemoteBarrier(make(ManagedKind.BARRIER, BarrierOperations.class, null, parties), null);
    }

    /**
     * Makes a barrier without a name, which is freed after its last proxy is gone. The last thread to come runs an
     * action.
     *
     * @param parties how many threads open it, 1 or more
     * @param action run by the last thread before all go on, see {@link ManagedBarrier}
     * @return a barrier in the manager
     */
    public ManagedBarrier newBarrier(int parties, Action action) {
        Objects.requireNonNull(action, "action");
        return new RemoteBarrier(make(ManagedKind.BARRIER, BarrierOperations.class, null, parties), action);
    }

    private static String named(String name) {
        return Objects.requireNonNull(name, "name");
    }

    private Directory directory() {
        return (Directory) RemoteObject.uncounted(this, ManagerProtocol.DIRECTORY, MethodTable.of(Directory.class));
    }

    private <T> T make(ManagedKind kind, Class<T> type, @Nullable String name, int size, @Nullable Object... initial) {
        ManagerConnection open = connection();
        long id = directory().make(kind, name, size, initial);
        return type.cast(RemoteObject.counted(this, open, id, kind.methods()));
    }

    @Override
    public String toString() {
        ManagerConnection open = connection;
        return "ManagerClient[" + where() + ", "
                + (open == null ? "not connected" : open.isLost() ? "closed" : "connected") + "]";
    }
}
