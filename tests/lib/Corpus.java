// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.security.Key;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.spec.SecretKeySpec;

/*
 * Writes and opens keystores for the tests, many in one virtual machine. Commands are lines of name=value words (values percent-free, without blanks):
 *
 *      write type=JKS out=F from=F.p12 pass=P [keypass=P] [alias=A] [also=F2.p12:ALIAS2] [trusted=yes] [secret=yes] [property=NAME:VALUE]...
 *      open in=F pass=P [keypass=P] [alias=A]         answers "leaf SHA256" or "error CLASS"
 *
 * An answer a line. from= and also= are PKCS#12 files with one key and the password "changeit".
 */
public class Corpus {
    static final char[] CHANGEIT = "changeit".toCharArray();

    static KeyStore load(String type, String path, char[] password) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        try (InputStream in = new FileInputStream(path)) {
            store.load(in, password);
        }
        return store;
    }

    static String onlyKey(KeyStore store) throws Exception {
        String found = null;
        for (String alias : Collections.list(store.aliases()))
            if (store.isKeyEntry(alias) && store.getCertificateChain(alias) != null) {
                if (found != null)
                    throw new IllegalStateException("several keys");
                found = alias;
            }
        if (found == null)
            throw new IllegalStateException("no key");
        return found;
    }

    static void copy(KeyStore to, String alias, String from, char[] password) throws Exception {
        KeyStore store = load("PKCS12", from, CHANGEIT);
        String name = onlyKey(store);
        to.setKeyEntry(alias, store.getKey(name, CHANGEIT), password, store.getCertificateChain(name));
    }

    static String write(Map<String, String> o, Map<String, String> properties) throws Exception {
        char[] pass = o.get("pass").toCharArray();
        char[] keypass = o.containsKey("keypass") ? o.get("keypass").toCharArray() : pass;
        for (Map.Entry<String, String> p : properties.entrySet())
            Security.setProperty(p.getKey(), p.getValue());
        try (OutputStream out = new FileOutputStream(o.get("out"))) {
            KeyStore store = KeyStore.getInstance(o.get("type"));
            store.load(null, null);
            if (o.containsKey("from"))
                copy(store, o.getOrDefault("alias", "midtls"), o.get("from"), keypass);
            if (o.containsKey("also"))
                copy(store, o.get("also").split(":")[1], o.get("also").split(":")[0], keypass);
            if (o.containsKey("trusted")) {
                KeyStore other = load("PKCS12", o.get("trusted"), CHANGEIT);
                Certificate[] chain = other.getCertificateChain(onlyKey(other));
                store.setCertificateEntry("trusted-ca", chain[chain.length - 1]);
            }
            if (o.containsKey("secret"))
                store.setKeyEntry("secret-one", new SecretKeySpec(new byte[16], "AES"), keypass, null);
            store.store(out, pass);
        } finally {
            for (String name : properties.keySet())
                Security.setProperty(name, "");
        }
        return "written";
    }

    static String open(Map<String, String> o) throws Exception {
        char[] pass = o.get("pass").toCharArray();
        char[] keypass = o.containsKey("keypass") ? o.get("keypass").toCharArray() : pass;
        KeyStore store = load(o.getOrDefault("type", "PKCS12"), o.get("in"), pass);
        String alias = o.containsKey("alias") ? o.get("alias") : onlyKey(store);
        Key key = store.getKey(alias, keypass);
        Certificate leaf = store.getCertificateChain(alias)[0];

        if (key == null)
            return "error no-key";
        if (!fits((PrivateKey) key, leaf.getPublicKey()))
            return "error mismatch";
        StringBuilder hex = new StringBuilder();
        for (byte b : MessageDigest.getInstance("SHA-256").digest(leaf.getEncoded()))
            hex.append(String.format("%02x", b));
        return "leaf " + hex;
    }

    static boolean fits(PrivateKey key, PublicKey leaf) throws Exception {
        String name = key.getAlgorithm();
        Signature s = Signature.getInstance(name.equals("RSA") ? "SHA256withRSA" : name.equals("EC") ? "SHA256withECDSA"
                                            : name.equals("RSASSA-PSS") ? "RSASSA-PSS" : "EdDSA");
        if (name.equals("RSASSA-PSS"))
            s.setParameter(new java.security.spec.PSSParameterSpec("SHA-256", "MGF1", java.security.spec.MGF1ParameterSpec.SHA256, 32, 1));
        s.initSign(key);
        s.update(CHANGEIT.length == 8 ? new byte[] {1} : new byte[] {2});
        byte[] signature = s.sign();
        s.initVerify(leaf);
        s.update(new byte[] {1});
        return s.verify(signature);
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line; (line = in.readLine()) != null; ) {
            Map<String, String> options = new HashMap<>(), properties = new HashMap<>();
            String[] words = line.split(" ");
            for (int i = 1; i < words.length; i++) {
                String[] pair = words[i].split("=", 2);
                if (pair[0].equals("property"))
                    properties.put(pair[1].split(":")[0], pair[1].split(":")[1]);
                else
                    options.put(pair[0], pair[1]);
            }
            String answer;
            try {
                answer = words[0].equals("write") ? write(options, properties) : open(options);
            } catch (Exception e) {
                answer = "error " + e.getClass().getSimpleName() + " " + String.valueOf(e.getMessage()).replace('\n', ' ');
            }
            System.out.println(answer);
            System.out.flush();
        }
    }
}
