/** Serves Jakarta Servlets and WebSockets: {@link dev.sennit.server.servlet.ServletApplication}. */
module dev.sennit.server.servlet {
    requires transitive dev.sennit.server;
    // jetty-ee11-annotations too, which webapp finds as a service
    requires org.eclipse.jetty.ee11.webapp;
    requires org.eclipse.jetty.ee11.websocket.jakarta.server;
    requires org.slf4j;
    requires static org.jspecify;

    exports dev.sennit.server.servlet;

    provides dev.sennit.server.jetty.ApplicationKind with
            dev.sennit.server.servlet.ServletKind;
}
