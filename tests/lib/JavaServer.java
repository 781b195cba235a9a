// SPDX-License-Identifier: Apache-2.0

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/*
 * HTTPS servers for the tests: java JavaServer.java CLIENT-CA.pem [KEYSTORE.p12 VERSION]...
 *
 * Each demands a client certificate and answers with the SHA-1 of it. Prints the ports in one line and ends with standard input.
 */
public class JavaServer {
    static final char[] PASSWORD = "changeit".toCharArray();

    static SSLContext context(String clientCa, String keystore) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12"), trusted = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(keystore)) {
            keys.load(in, PASSWORD);
        }
        trusted.load(null, null);
        try (InputStream in = new FileInputStream(clientCa)) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        KeyManagerFactory k = KeyManagerFactory.getInstance("PKIX");
        TrustManagerFactory t = TrustManagerFactory.getInstance("PKIX");
        k.init(keys, PASSWORD);
        t.init(trusted);
        SSLContext c = SSLContext.getInstance("TLS");
        c.init(k.getKeyManagers(), t.getTrustManagers(), null);
        return c;
    }

    static int start(String clientCa, String keystore, String version) throws Exception {
        SSLContext c = context(clientCa, keystore);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 16);
        server.setHttpsConfigurator(new HttpsConfigurator(c) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters p = c.getDefaultSSLParameters();
                p.setNeedClientAuth(true);
                p.setProtocols(new String[] {version});
                parameters.setSSLParameters(p);
            }
        });
        server.createContext("/", exchange -> {
            StringBuilder hex = new StringBuilder();
            try {
                Certificate leaf = ((HttpsExchange) exchange).getSSLSession().getPeerCertificates()[0];
                for (byte b : MessageDigest.getInstance("SHA-1").digest(leaf.getEncoded()))
                    hex.append(String.format("%02x", b));
            } catch (Exception e) {
                hex.append(e);
            }
            byte[] body = hex.toString().getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        return server.getAddress().getPort();
    }

    public static void main(String[] arguments) throws Exception {
        StringBuilder ports = new StringBuilder();
        for (int i = 1; i < arguments.length; i += 2)
            ports.append(start(arguments[0], arguments[i], arguments[i + 1])).append(' ');
        System.out.println(ports);
        while (System.in.read() >= 0)
            ;
        System.exit(0);
    }
}
