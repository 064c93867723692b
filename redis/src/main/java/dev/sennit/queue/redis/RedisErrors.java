package dev.sennit.queue.redis;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import dev.sennit.queue.redis.foreign.SentinelException;
import dev.sennit.queue.redis.foreign.Sockets;
import java.net.UnknownHostException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;

/** Says in one line what is wrong with a server, and what to do. Shows no password. */
final class RedisErrors {
    /** How errors of the scripts begin, which say that the caller was wrong. */
    private static final String OWN = "SENNIT ";

    private final String name;
    private final @Nullable String secret;

    RedisErrors(String name, @Nullable String secret) {
        this.name = name;
        this.secret = secret;
    }

    /** Words a connection that broke, or could not be made. */
    BrokerException broken(Throwable error, boolean isDoubtful) {
        Throwable cause = Sockets.causeOf(error);
        if (error instanceof SentinelException e) {
            return of(e.isRefused() ? Kind.REFUSED : Kind.UNAVAILABLE, isDoubtful, " " + line(e), error);
        }
        if (String.valueOf(error.getMessage()).startsWith("Unknown reply")) {
            return foreign(error, isDoubtful);
        }
        if (cause instanceof CertPathBuilderException || cause instanceof CertificateException
                || cause instanceof CertPathValidatorException) {
            return of(Kind.REFUSED, isDoubtful, " has a certificate that is not trusted (" + line(cause)
                    + "): name the host that it is of, or give ?sslrootcert=FILE", error);
        }
        String why = cause instanceof UnknownHostException ? "unknown host" : line(cause);
        return of(Kind.UNAVAILABLE, isDoubtful,
                " cannot be reached (" + why + "): see whether the server runs, and try again", error);
    }

    /** Words an answer that is none of Redis. */
    BrokerException foreign(Throwable error, boolean isDoubtful) {
        return of(Kind.REFUSED, isDoubtful,
                " is no Redis server (it answers by something else): name the host and the port of one", error);
    }

    /** Words an answer of the server that is an error. Nothing was changed. */
    RuntimeException refused(JedisDataException error) {
        String text = String.valueOf(error.getMessage());
        int space = text.indexOf(' ');
        return switch (space < 0 ? text : text.substring(0, space)) {
            case "SENNIT" -> new IllegalArgumentException(text.substring(OWN.length()));
            case "NOAUTH" -> of(Kind.REFUSED, false, " wants a password: write redis://:PASSWORD@HOST", error);
            case "WRONGPASS" -> of(Kind.REFUSED, false, " refuses this user or password: correct them", error);
            case "NOPERM" -> of(Kind.REFUSED, false, " does not let this user do it (" + line(error)
                    + "): grant it all commands on the keys and channels that begin with the prefix", error);
            case "LOADING" -> of(Kind.UNAVAILABLE, false, " reads its data: try again in a moment", error);
            case "BUSY" -> of(Kind.UNAVAILABLE, false, " is busy with a script: try again", error);
            case "OOM" -> of(Kind.UNAVAILABLE, false,
                    " has no memory left: nothing was changed; raise maxmemory, or complete and purge tasks", error);
            case "MISCONF", "NOREPLICAS" -> of(Kind.UNAVAILABLE, false, " takes no writes (" + line(error)
                    + "): nothing was changed, see the log of the server", error);
            case "READONLY", "MASTERDOWN" ->
                of(Kind.REFUSED, false, " can be read only: name the primary server", error);
            case "MOVED", "ASK", "CLUSTERDOWN", "CROSSSLOT" -> of(Kind.REFUSED, false, " is a node of a cluster that"
                    + " does not have the keys (" + line(error) + "): name the node that has them", error);
            default -> other(text, error);
        };
    }

    private BrokerException other(String text, JedisDataException error) {
        if (text.contains("unknown command") || text.contains("does not support HELLO")) {
            return of(Kind.REFUSED, false,
                    " is too old (" + line(error) + "): use Redis 7 or later, or Valkey", error);
        }
        if (text.contains("DB index is out of range") || text.contains("invalid DB index")) {
            return of(Kind.REFUSED, false, " has no database of this number: name one below the databases setting of"
                    + " the server (16 by default)", error);
        }
        return of(Kind.UNUSABLE, false, " fails: " + line(error), error);
    }

    /** Words any error of the client. */
    RuntimeException any(RuntimeException error, boolean isDoubtful) {
        return switch (error) {
            case JedisDataException e -> refused(e);
            case JedisConnectionException e -> broken(e, isDoubtful);
            case BrokerException e -> e;
            default -> unreadable(error);
        };
    }

    /** The answer of the server makes no sense. */
    BrokerException unreadable(Throwable error) {
        return of(Kind.UNUSABLE, false, " holds what cannot be read (" + line(error) + "): restore a copy", error);
    }

    BrokerException of(Kind kind, boolean isDoubtful, String what, @Nullable Throwable error) {
        return new BrokerException(kind, isDoubtful, name + what, error == null || isTelling(error) ? null : error);
    }

    /** Whether an error, or one behind it, shows the password. None that is known does; they are not written here. */
    private boolean isTelling(Throwable error) {
        if (secret == null) {
            return false;
        }
        int depth = 0;
        for (Throwable each = error; each != null && depth < 20; each = each.getCause(), depth++) {
            if (String.valueOf(each).contains(secret)) {
                return true;
            }
        }
        return false;
    }

    private String line(Throwable error) {
        String text = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        String line = text.replaceAll("\\s+", " ").strip();
        return secret == null ? line : line.replace(secret, "***");
    }
}
