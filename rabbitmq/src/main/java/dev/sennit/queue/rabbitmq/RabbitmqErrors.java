package dev.sennit.queue.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.MalformedFrameException;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ProtocolVersionMismatchException;
import com.rabbitmq.client.ShutdownSignalException;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import java.net.UnknownHostException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Says in one line what is wrong with a server, and what to do. Shows no password. */
final class RabbitmqErrors {
    private final String name;
    private final String secret;

    RabbitmqErrors(String name, String secret) {
        this.name = name;
        this.secret = secret;
    }

    /** Words whatever the client has thrown. */
    BrokerException of(Throwable error, boolean isDoubtful) {
        Throwable cause = error;
        for (int depth = 0; depth < 20 && cause != null; depth++, cause = cause.getCause()) {
            switch (cause) {
                case BrokerException e -> {
                    return e;
                }
                case AuthenticationFailureException _ -> {
                    return of(Kind.REFUSED, isDoubtful, " refuses this user or password: correct them, or the rights",
                            error);
                }
                case ProtocolVersionMismatchException _ -> {
                    return foreign(error, isDoubtful);
                }
                case MalformedFrameException _ -> {
                    return foreign(error, isDoubtful);
                }
                case CertPathBuilderException e -> {
                    return untrusted(e, error, isDoubtful);
                }
                case CertPathValidatorException e -> {
                    return untrusted(e, error, isDoubtful);
                }
                case CertificateException e -> {
                    return untrusted(e, error, isDoubtful);
                }
                case ShutdownSignalException e when e.getReason() != null -> {
                    BrokerException told = told(e.getReason(), error, isDoubtful);
                    if (told != null) {
                        return told;
                    }
                }
                default -> {
                    // The one behind it may tell more. PossibleAuthenticationFailureException is a connection that
                    // broke at the login: a server that refuses the user says so.
                }
            }
        }
        return of(Kind.UNAVAILABLE, isDoubtful,
                " cannot be reached (" + why(error) + "): see whether the server runs, and try again", error);
    }

    /** Words why the server has closed a connection or a channel, if it is more than an end. */
    private @Nullable BrokerException told(Method reason, Throwable error, boolean isDoubtful) {
        int code;
        String text;
        switch (reason) {
            case AMQP.Connection.Close close -> {
                code = close.getReplyCode();
                text = close.getReplyText();
            }
            case AMQP.Channel.Close close -> {
                code = close.getReplyCode();
                text = close.getReplyText();
            }
            default -> {
                return null;
            }
        }
        return switch (code) {
            case AMQP.ACCESS_REFUSED -> of(Kind.REFUSED, isDoubtful, " does not let this user do it (" + line(text)
                    + "): let the user configure, write and read what begins with the prefix", error);
            case AMQP.NOT_ALLOWED -> of(Kind.REFUSED, isDoubtful, " does not let this user in (" + line(text)
                    + "): name a virtual host that is there, and that the user may use", error);
            case AMQP.PRECONDITION_FAILED -> text.contains("inequivalent")
                    ? of(Kind.UNUSABLE, isDoubtful, " has a queue with this name and other settings (" + line(text)
                            + "): delete that, or use another prefix", error)
                    : of(Kind.UNAVAILABLE, isDoubtful, " refuses (" + line(text) + "): try again", error);
            case AMQP.NOT_FOUND -> text.contains("home node")
                    ? of(Kind.UNAVAILABLE, isDoubtful, " has no leader for a queue (" + line(text)
                            + "): start that node"
                            + " or, if it runs, use another ?prefix=, as the server was killed in the moment after it"
                            + " made the queue, and has lost it", error)
                    : of(Kind.UNAVAILABLE, isDoubtful, " refuses (" + line(text) + "): try again", error);
            case AMQP.FRAME_ERROR, AMQP.SYNTAX_ERROR, AMQP.UNEXPECTED_FRAME, AMQP.COMMAND_INVALID ->
                // nobody but a broken line makes such frames
                of(Kind.UNAVAILABLE, isDoubtful, " cannot be reached (" + line(text) + "): try again", error);
            case AMQP.REPLY_SUCCESS, AMQP.CONNECTION_FORCED -> null;
            default -> of(Kind.UNAVAILABLE, isDoubtful, " refuses (" + line(text) + "): try again", error);
        };
    }

    private BrokerException foreign(Throwable error, boolean isDoubtful) {
        return of(Kind.REFUSED, isDoubtful,
                " is no RabbitMQ server (it answers by something else): name the host and the port of one", error);
    }

    private BrokerException untrusted(Throwable cause, Throwable error, boolean isDoubtful) {
        return of(Kind.REFUSED, isDoubtful, " has a certificate that is not trusted (" + line(cause.getMessage())
                + "): name the host that it is of, or give ?sslrootcert=FILE", error);
    }

    private String why(Throwable error) {
        Throwable cause = error;
        for (int depth = 0; depth < 20 && cause.getCause() != null; depth++) {
            cause = cause.getCause();
        }
        if (cause instanceof UnknownHostException) {
            return "unknown host";
        }
        if (cause instanceof TimeoutException) {
            return "no answer in time";
        }
        if (cause instanceof ShutdownSignalException e) {
            return e.getReason() == null ? "the connection broke" : line(e.getReason().toString());
        }
        return line(cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage());
    }

    BrokerException of(Kind kind, boolean isDoubtful, String what, @Nullable Throwable error) {
        return new BrokerException(kind, isDoubtful, name + what, error == null || isTelling(error) ? null : error);
    }

    /** Whether an error, or one behind it, shows the password. */
    private boolean isTelling(Throwable error) {
        int depth = 0;
        for (Throwable each = error; each != null && depth < 20; each = each.getCause(), depth++) {
            if (isSecret() && String.valueOf(each).contains(secret)) {
                return true;
            }
        }
        return false;
    }

    private boolean isSecret() {
        return !secret.isEmpty() && !secret.equals("guest");
    }

    private String line(@Nullable String text) {
        String line = String.valueOf(text).replaceAll("\\s+", " ").strip();
        return isSecret() ? line.replace(secret, "***") : line;
    }
}
