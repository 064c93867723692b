package dev.sennit.testing.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** What differs between kinds of servers: their files, their command line, and how they say that they are ready. */
abstract sealed class ServerProgram permits PostgresqlProgram, RedisProgram, RabbitmqProgram {
    /** The only address that any server uses. */
    static final String HOST = "127.0.0.1";

    private static final int CONNECT_MILLIS = 1000;
    private static final int ANSWER_MILLIS = 2000;

    final ServerSettings settings;
    final Path folder;
    final String password;

    ServerProgram(ServerSettings settings, Path folder, String ownPassword) {
        this.settings = settings;
        this.folder = folder;
        String wanted = settings.password();
        password = wanted == null ? ownPassword : wanted;
    }

    static ServerProgram of(ServerSettings settings, Path folder) throws ServerNotInstalledException {
        return switch (settings.kind()) {
            case POSTGRESQL -> new PostgresqlProgram(settings, folder);
            case REDIS -> new RedisProgram(settings, folder);
            case RABBITMQ -> new RabbitmqProgram(settings, folder);
        };
    }

    static void ensureInstalled(ServerKind kind) throws ServerNotInstalledException {
        switch (kind) {
            case POSTGRESQL -> PostgresqlProgram.ensureInstalled();
            case REDIS -> RedisProgram.ensureInstalled();
            case RABBITMQ -> RabbitmqProgram.ensureInstalled();
        }
    }

    static String randomPassword() {
        var bytes = new byte[12];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** Makes what the server needs before its first start. */
    abstract void prepare(Caretaker caretaker) throws IOException, InterruptedException;

    abstract List<String> command(int port) throws IOException;

    /** The signal at which the server ends in order, without waiting for its clients. */
    abstract String stopSignal();

    /** The signal at which it ends at once, when nobody wants its data any more. */
    abstract String quickSignal();

    /** Says whether the server lets clients in. Failing to connect says that it does not. */
    abstract boolean answers(Socket connection) throws IOException;

    abstract URI uri(int port);

    /** The variables by which programs find the server. */
    abstract Map<String, String> environment(int port);

    final boolean answers(int port) {
        try (Socket connection = connect(port)) {
            return answers(connection);
        } catch (IOException e) {
            return false; // not yet
        }
    }

    private static Socket connect(int port) throws IOException {
        var socket = new Socket();
        try {
            socket.setSoTimeout(ANSWER_MILLIS);
            socket.connect(new InetSocketAddress(InetAddress.ofLiteral(HOST), port), CONNECT_MILLIS);
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    static URI uri(String scheme, String userInfo, int port, String path) {
        return URI.create(scheme + "://" + (userInfo.isEmpty() ? "" : userInfo + "@") + HOST + ":" + port + path);
    }
}
