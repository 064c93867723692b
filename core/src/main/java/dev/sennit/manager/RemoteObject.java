package dev.sennit.manager;

import dev.sennit.codec.AllowList;
import dev.sennit.codec.Reading;
import dev.sennit.internal.Travelling;
import dev.sennit.internal.Unreachable;
import dev.sennit.manager.wire.MethodTable;
import java.io.InvalidObjectException;
import java.io.Serializable;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The handler of a proxy: the object's number, and the client that reaches it.
 *
 * <p>The server counts proxies. If a client finds or makes an object, the server counts its proxy at once. A proxy that
 * came from elsewhere is counted when the client is connected, at once or before its first call; until then the lease
 * keeps the object. A proxy in the server's own JVM, such as an element of another object there, is counted directly.
 * When the garbage collector finds a proxy unreachable, it is uncounted.
 *
 * <p>The results of a proxy are read behind the allow-list of the client that found or made the object, or of the
 * reader that received the proxy.
 */
final class RemoteObject implements InvocationHandler {
    private static final Unreachable LOST = new Unreachable("sennit-proxies");

    private final ManagerClient client;
    private final Reading reading;
    private final long id;
    private final MethodTable methods;
    /** Written with this locked. */
    private volatile boolean counted;

    private RemoteObject(ManagerClient client, Reading reading, long id, MethodTable methods) {
        this.client = client;
        this.reading = reading;
        this.id = id;
        this.methods = methods;
    }

    /** Makes a proxy of an object that the server has just counted for this connection. */
    static Object counted(ManagerClient client, ManagerConnection connection, long id, MethodTable methods) {
        var remote = new RemoteObject(client, client.reading(), id, methods);
        remote.countedAt(() -> connection.release(id));
        return remote.proxy();
    }

    /** Makes a proxy of an object that is never freed, and need not be counted. */
    static Object uncounted(ManagerClient client, long id, MethodTable methods) {
        var remote = new RemoteObject(client, client.reading(), id, methods);
        remote.counted = true;
        return remote.proxy();
    }

    private void countedAt(Runnable release) {
        LOST.register(this, release);
        counted = true;
    }

    private Object proxy() {
        return Proxy.newProxyInstance(methods.loader(), new Class<?>[] {methods.type(), Travelling.class}, this);
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        if (method.getDeclaringClass() == Object.class) {
            return switch (method.getName()) {
                case "equals" -> arguments != null && isSame(arguments[0]);
                case "hashCode" -> Long.hashCode(client.server()) * 31 + Long.hashCode(id);
                default -> toString();
            };
        }
        if (method.getDeclaringClass() == Travelling.class) {
            AllowList allowed = Objects.requireNonNull(reading.allowed);
            return new Reference(client.address().allowing(allowed), id, methods.type(), methods.fingerprint());
        }
        if (method.isDefault()) {
            return InvocationHandler.invokeDefault(proxy, method, arguments);
        }
        int number = methods.numberOf(method);
        ManagerConnection connection = client.connection();
        if (!counted) {
            count(connection);
        }
        return client.call(connection, reading, id, methods, method, number, arguments);
    }

    private synchronized void count(ManagerConnection connection) {
        if (!counted) {
            connection.retain(id);
            long object = id;
            countedAt(() -> connection.release(object));
        }
    }

    private boolean isSame(@Nullable Object other) {
        return other != null
                && Proxy.isProxyClass(other.getClass())
                && Proxy.getInvocationHandler(other) instanceof RemoteObject remote
                && remote.id == id
                && remote.client.isOfSameServer(client);
    }

    @Override
    public String toString() {
        return methods.type().getSimpleName() + "[object " + id + " of the manager at " + client.where() + "]";
    }

    /** The form in which a proxy travels. Its receiver connects at the first use. */
    private record Reference(ManagerAddress address, long id, Class<?> type, long fingerprint) implements Serializable {
        private static final long serialVersionUID = 1L;

        private Object readResolve() throws InvalidObjectException {
            MethodTable methods = MethodTable.of(type);
            if (methods.fingerprint() != fingerprint) {
                throw new InvalidObjectException(
                        type.getName() + " has other methods here than where the proxy comes from");
            }
            Reading reading = Reading.ofKeyHolder(address.allowed(), Reading.currentLoader());
            var remote = new RemoteObject(ManagerClient.shared(address), reading, id, methods);
            ManagerServer here = ManagerServer.hosted(address);
            ManagerConnection connection = remote.client.connected();
            if (here != null) {
                HostedObject object = here.find(id);
                if (object != null && object.retain()) {
                    long number = id;
                    remote.countedAt(() -> here.release(number, 1));
                }
            } else if (connection != null) {
                remote.count(connection);
            }
            Object proxy = remote.proxy();
            return AllowList.isOurs(type) ? AllowList.made(proxy) : proxy; // for a user's interface the filter decides
        }
    }
}
