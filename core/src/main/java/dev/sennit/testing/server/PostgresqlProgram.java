package dev.sennit.testing.server;

import dev.sennit.internal.Deadline;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * PostgreSQL: {@code initdb}, then {@code postgres}.
 *
 * <p>PostgreSQL refuses to run as root. Started by root, it runs as the user {@code postgres}, or {@code nobody} where
 * there is no such user, by way of {@code setpriv}.
 *
 * <p>It has no Unix socket: the path of one may have 107 bytes, which temporary folders exceed. Nor has it anything
 * else outside of its folder, but for a few bytes of System V memory, by which PostgreSQL knows that nobody uses its
 * data; one that was killed leaves them, and the caretaker removes them.
 */
final class PostgresqlProgram extends ServerProgram {
    private static final String USER = "sennit";
    private static final String DATABASE = "postgres";
    private static final String NOT_INSTALLED =
            "initdb and postgres are not installed: apt-get install postgresql";
    /** A busy machine may need many seconds for what takes one. */
    private static final Duration INITDB_LIMIT = Duration.ofMinutes(2);

    private static final int PROTOCOL = 3 << 16;
    private static final String STARTING_UP = "57P03";
    private static final int LONGEST_ERROR = 1 << 16;

    /**
     * A server that ended in order has removed the file. Its seventh line is the key and the number of that memory; one
     * that is in use is not removed by this, but once nobody uses it.
     */
    private static final String REMOVE_MEMORY = """
            [ ! -f data/postmaster.pid ] || {
              for line in 1 2 3 4 5 6; do read -r ignored; done
              read -r key number && ipcrm -m "$number"
            } <data/postmaster.pid
            """;

    private final Path programs;
    private final Path data;
    private final @Nullable Account account;

    PostgresqlProgram(ServerSettings settings, Path folder) throws ServerNotInstalledException {
        super(settings, folder, randomPassword());
        programs = ensureInstalled();
        data = folder.resolve("data");
        account = Account.instead();
    }

    /** Returns the folder of its programs. */
    static Path ensureInstalled() throws ServerNotInstalledException {
        Path programs = Programs.folderOf("initdb", "postgres");
        if (programs == null) {
            throw new ServerNotInstalledException(NOT_INSTALLED);
        }
        Account.instead();
        return programs;
    }

    @Override
    void prepare(Caretaker caretaker) throws IOException, InterruptedException {
        Files.createDirectory(data);
        Path secret = Files.createFile(
                folder.resolve("password"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(secret, password + "\n");
        if (account != null) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
            account.own(data);
            account.own(secret);
        }
        Path log = folder.resolve("initdb.log");
        List<String> command = asAccount(List.of(
                programs.resolve("initdb").toString(),
                "--pgdata=" + data, "--username=" + USER, "--pwfile=" + secret, "--auth=scram-sha-256",
                "--encoding=UTF8", "--no-locale", "--no-sync"));
        caretaker.start("KILL", log, command);
        Integer exitCode = caretaker.awaitExit(Deadline.in(INITDB_LIMIT));
        if (exitCode == null || exitCode != 0) {
            throw new IOException("PostgreSQL's initdb cannot make a database in " + folder + ": "
                    + (exitCode == null ? "it does not end" : "exit code " + exitCode)
                    + "; it says: " + TestServer.tail(log, 3));
        }
        Files.delete(secret);
        Files.writeString(folder.resolve(Caretaker.LAST_WORDS), REMOVE_MEMORY);
        List<String> lines = new ArrayList<>(List.of("", "fsync = " + (settings.fsync() ? "on" : "off")));
        lines.addAll(settings.configuration());
        Files.write(data.resolve("postgresql.conf"), lines, StandardOpenOption.APPEND);
    }

    @Override
    List<String> command(int port) {
        // Settings on the command line are stronger than those in the file, so that a test cannot open it to others.
        return asAccount(List.of(
                programs.resolve("postgres").toString(),
                "-D", data.toString(),
                "-p", Integer.toString(port),
                "-c", "listen_addresses=" + HOST,
                "-c", "unix_socket_directories=",
                "-c", "logging_collector=off",
                "-c", "log_destination=stderr",
                "-c", "dynamic_shared_memory_type=mmap"));
    }

    private List<String> asAccount(List<String> command) {
        if (account == null) {
            return command;
        }
        List<String> changed = new ArrayList<>(account.prefix());
        changed.addAll(command);
        return changed;
    }

    /** Its fast shutdown. */
    @Override
    String stopSignal() {
        return "INT";
    }

    /** Its immediate shutdown: without a checkpoint, but it tells its processes. */
    @Override
    String quickSignal() {
        return "QUIT";
    }

    /** Asks to be let in. The server answers with a wish for the password, or says that it is starting up. */
    @Override
    boolean answers(Socket connection) throws IOException {
        byte[] wanted = ("user\0" + USER + "\0database\0" + DATABASE + "\0\0").getBytes(StandardCharsets.UTF_8);
        var output = new DataOutputStream(connection.getOutputStream());
        output.writeInt(2 * Integer.BYTES + wanted.length);
        output.writeInt(PROTOCOL);
        output.write(wanted);
        output.flush();
        var input = new DataInputStream(connection.getInputStream());
        byte kind = input.readByte();
        if (kind != 'E') {
            return kind == 'R';
        }
        int length = input.readInt() - Integer.BYTES;
        if (length < 0 || length > LONGEST_ERROR) {
            return false;
        }
        var error = new String(input.readNBytes(length), StandardCharsets.ISO_8859_1);
        return !error.contains("\0C" + STARTING_UP + "\0");
    }

    @Override
    URI uri(int port) {
        return uri("postgresql", USER + ":" + password, port, "/" + DATABASE);
    }

    @Override
    Map<String, String> environment(int port) {
        return Map.of(
                "SENNIT_POSTGRESQL_URI", uri(port).toString(),
                "PGHOST", HOST,
                "PGPORT", Integer.toString(port),
                "PGUSER", USER,
                "PGPASSWORD", password,
                "PGDATABASE", DATABASE);
    }
}
