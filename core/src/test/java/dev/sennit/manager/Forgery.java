package dev.sennit.manager;

import dev.sennit.codec.AllowList;
import dev.sennit.manager.wire.ListOperations;
import dev.sennit.manager.wire.MethodTable;
import java.util.List;
import java.util.Objects;
import org.opentest4j.ValueWrapper;

/** Forged allow-lists and addresses, as a process sends them that breaks the protocol. */
public final class Forgery {
    /** A class in a jar of the sender's choice, which no reader allows by itself. */
    public static final Class<?> FOREIGN = ValueWrapper.class;

    public static final String PATTERN = FOREIGN.getPackageName() + ".**";
    public static final String JAR = FOREIGN.getProtectionDomain().getCodeSource().getLocation().toExternalForm();

    private Forgery() {}

    /** Returns the list of a forged object: it names the package and the jar. */
    static AllowList list() {
        return new AllowList(List.of(PATTERN), List.of(JAR));
    }

    /** Returns the address of a server with the id of another, which it pretends to be, and with {@link #list}. */
    public static ManagerAddress passingFor(ManagerAddress other, ManagerAddress server) {
        return new ManagerAddress(other.server(), server.socket(), null, server.key(), null, list());
    }

    /** Returns a proxy of the first list that was made at an address. */
    public static List<Object> firstListAt(ManagerAddress address) {
        return new RemoteList<>(
                (ListOperations) RemoteObject.uncounted(ManagerClient.shared(address), 1,
                        MethodTable.of(ListOperations.class)));
    }

    /** Returns an address with arbitrary content. */
    public static ManagerAddress address(long server, String socket, byte[] key) {
        return new ManagerAddress(server, socket, null, key, null, new AllowList(List.of()));
    }

    // ---- package-private details of addresses and servers ----

    public static long server(ManagerAddress address) {
        return address.server();
    }

    public static String socket(ManagerAddress address) {
        return Objects.requireNonNull(address.socket());
    }

    public static byte[] key(ManagerAddress address) {
        return address.key();
    }

    public static List<String> named(ManagerAddress address) {
        return address.allowed().named();
    }

    public static int objects(ManagerServer manager) {
        return manager.objects();
    }
}
