package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Addresses of sockets as the kernel has them ({@code struct sockaddr}). */
final class SocketName {
    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;

    /** Room for an address of any family. */
    static final int LARGEST = 128;

    private static final int INET_LENGTH = 16;
    private static final int INET6_LENGTH = 28;
    private static final int PATH = 2;
    /** With the zero behind it. */
    private static final int LONGEST_PATH = 108;

    private static final ValueLayout.OfShort PORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private SocketName() {}

    /**
     * Encodes the name of a Unix socket.
     *
     * @param name a path; or {@code @} and a name that is in no file system, as systemd writes them
     */
    static MemorySegment unix(Arena arena, String name) throws IOException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || name.indexOf('\0') >= 0) {
            throw new IOException("\"" + name + "\" is no name of a Unix socket");
        }
        if (bytes.length >= LONGEST_PATH) {
            throw new IOException(name + ": the path of a Unix socket may have " + (LONGEST_PATH - 1)
                    + " bytes, and this has " + bytes.length + "; choose a shorter one");
        }
        boolean isAbstract = bytes[0] == '@';
        MemorySegment encoded = arena.allocate(PATH + bytes.length + (isAbstract ? 0 : 1), Short.BYTES);
        encoded.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(bytes, 0, encoded, JAVA_BYTE, PATH, bytes.length);
        if (isAbstract) {
            encoded.set(JAVA_BYTE, PATH, (byte) 0);
        }
        return encoded;
    }

    /** Encodes an address with a port. */
    static MemorySegment inet(Arena arena, InetSocketAddress address) throws IOException {
        return switch (address.getAddress()) {
            case Inet4Address four -> {
                MemorySegment encoded = head(arena, INET_LENGTH, AF_INET, address.getPort());
                MemorySegment.copy(four.getAddress(), 0, encoded, JAVA_BYTE, 4, 4);
                yield encoded;
            }
            case Inet6Address six -> {
                MemorySegment encoded = head(arena, INET6_LENGTH, AF_INET6, address.getPort());
                MemorySegment.copy(six.getAddress(), 0, encoded, JAVA_BYTE, 8, 16);
                encoded.set(JAVA_INT_UNALIGNED, 24, six.getScopeId());
                yield encoded;
            }
            case null, default ->
                throw new IOException("there is no host \"" + address.getHostString() + "\": check its name");
        };
    }

    private static MemorySegment head(Arena arena, int length, int family, int port) {
        MemorySegment encoded = arena.allocate(length, Integer.BYTES);
        encoded.set(JAVA_SHORT, 0, (short) family);
        encoded.set(PORT, 2, (short) port);
        return encoded;
    }

    /**
     * Decodes an address. A Unix socket without a name has an empty path, and one in no file system a path that begins
     * with {@code @}.
     */
    static SocketAddress decode(MemorySegment encoded, int length) throws IOException {
        int family = encoded.get(JAVA_SHORT, 0);
        return switch (family) {
            case AF_INET -> new InetSocketAddress(
                    InetAddress.getByAddress(bytes(encoded, 4, 4)), Short.toUnsignedInt(encoded.get(PORT, 2)));
            case AF_INET6 -> new InetSocketAddress(
                    Inet6Address.getByAddress(null, bytes(encoded, 8, 16), encoded.get(JAVA_INT_UNALIGNED, 24)),
                    Short.toUnsignedInt(encoded.get(PORT, 2)));
            case AF_UNIX -> UnixDomainSocketAddress.of(unixName(bytes(encoded, PATH, Math.max(0, length - PATH))));
            default -> throw new IOException("a socket of address family " + family
                    + ", and only IPv4, IPv6 and Unix sockets are known");
        };
    }

    private static String unixName(byte[] bytes) {
        if (bytes.length > 0 && bytes[0] == 0) {
            return "@" + new String(bytes, 1, bytes.length - 1, StandardCharsets.UTF_8).replace('\0', '@');
        }
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] == 0) {
            length--;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    private static byte[] bytes(MemorySegment encoded, int from, int count) {
        return encoded.asSlice(from, count).toArray(JAVA_BYTE);
    }
}
