/**
 * Jakarta Servlets and WebSockets in the application server: {@link dev.sennit.server.servlet.ServletApplication} is
 * the way in.
 */
@NullMarked
package dev.sennit.server.servlet;

import org.jspecify.annotations.NullMarked;
