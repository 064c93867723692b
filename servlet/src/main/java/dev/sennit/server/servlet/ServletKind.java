package dev.sennit.server.servlet;

import dev.sennit.server.WebApplication;
import dev.sennit.server.jetty.ApplicationKind;
import jakarta.servlet.Servlet;
import org.jspecify.annotations.Nullable;

/** Makes applications of classes that are Servlets. */
public final class ServletKind implements ApplicationKind {
    /** Called by the server, which finds this class as a service. */
    public ServletKind() {}

    @Override
    public @Nullable WebApplication of(Class<?> type) {
        return Servlet.class.isAssignableFrom(type) ? ServletApplication.of(type) : null;
    }
}
