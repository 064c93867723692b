package dev.sennit.cli.services;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * How many connections wait at a listener until a worker accepts them, as Linux tells it in {@code /proc/net/tcp}. Unix
 * sockets are not in there.
 */
final class ListenerBacklog {
    private static final String LISTENS = "0A";
    /** Before an IPv4 address on which an IPv6 socket listens. */
    private static final String MAPPED = "0000000000000000FFFF0000";

    private final List<Path> tables;

    ListenerBacklog() {
        this(List.of(Path.of("/proc/net/tcp"), Path.of("/proc/net/tcp6")));
    }

    /** Reads other tables. */
    ListenerBacklog(List<Path> tables) {
        this.tables = tables;
    }

    /** Returns the number of connections; empty where the system does not tell it. */
    OptionalLong of(SocketAddress address) {
        if (!(address instanceof InetSocketAddress inet) || inet.isUnresolved()) {
            return OptionalLong.empty();
        }
        String port = String.format(Locale.ROOT, "%04X", inet.getPort());
        String host = hex(inet.getAddress().getAddress());
        String any = "0".repeat(32) + ":" + port; // the system may listen on IPv6 for both
        for (Path table : tables) {
            try (BufferedReader lines = Files.newBufferedReader(table, StandardCharsets.US_ASCII)) {
                lines.readLine();
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    String[] columns = line.strip().split(" +");
                    if (columns.length < 5 || !columns[3].equals(LISTENS)) {
                        break; // listeners come first, and connections can be many
                    }
                    boolean isIt = columns[1].equals(host + ":" + port)
                            || columns[1].equals(MAPPED + host + ":" + port)
                            || inet.getAddress().isAnyLocalAddress() && columns[1].equals(any);
                    if (isIt) {
                        String queue = columns[4].substring(columns[4].indexOf(':') + 1);
                        return OptionalLong.of(Long.parseLong(queue, 16));
                    }
                }
            } catch (IOException | NumberFormatException e) {
                // there is no such table, or one of another form
            }
        }
        return OptionalLong.empty();
    }

    /** Returns an address as the kernel shows it: words of four bytes in the order of this machine. */
    private static String hex(byte[] address) {
        StringBuilder text = new StringBuilder();
        ByteBuffer words = ByteBuffer.wrap(address).order(ByteOrder.nativeOrder());
        while (words.hasRemaining()) {
            text.append(String.format(Locale.ROOT, "%08X", words.getInt()));
        }
        return text.toString();
    }
}
