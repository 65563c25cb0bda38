"""Journals that mqbroker 0.1.0 left, as literals: whatever changes since, they have to open (test_old_journals.py)."""

import zlib
from base64 import b85decode

FILES = {
    ("plain", "killed"): {
        "0000000000000001.journal": (
            "c-qS?Oe)GM%FEH4Ki8j;A%KBFfB_5`8Bl2k9DF7;er{lr+q~-wbV2GsX7Zrv1!3Xe6Qj}1fdNr8v)1^mj|Hg(nfU@pUjkwlB(o;("
            "VD4dJ!0u*71}+9RAjyZM2b&)lGM=9A1_~zT7V4#B7NsVa<QJu+78Orm;3`S2DA6y-NzBY+O3E+EU`F#buFzmcl4HVQTS<97Oo|mr"
            "IWsQh8AYk7LX7MT>_D-?($vyaeZ!Q}qQs<}R8Tn0UH9Yx$Ouq)1p(<GH2=oQ7dD`~o{2y>v5*x`Y5Ao^AQzqCD9i(y1ag@JS{Q-E"
            "UoHMIn+46&Fj^3*h6#&n1dzlTal|~x{_{V2cY*jIcO(JnBs6uZ{=c<Y(ac8Bs3F3P6j5Y^NM>0oD^w+N+O`w9l?4(4xl{*BKG~Jh"
            "`J4^SW*9Aol*$;<<T#;rF{0Ty3P!;w7zLwX6pVsVFbYP&C>YrQ0N0v-c>"
        ),
    },
    ("plain", "closed twice"): {
        "0000000000000001.journal": (
            "c-qS?Oe)GM%FEH4Ki8j;A%KBFfB_5`8Bl2k9DF7;er{lr+q~-wbV2GsX7Zrv1!3Xe6Qj}1fdNr8v)1^mj|Hg(nfU@pUjkwlB(o;("
            "VD4dJ!0u*71}+9RAjyZM2b&)lGM=9A1_~zT7V4#B7NsVa<QJu+78Orm;3`S2DA6y-NzBY+O3E+EU`F#buFzmcl4HVQTS<97Oo|mr"
            "IWsQh8AYk7LX7MT>_D-?($vyaeZ!Q}qQs<}R8Tn0UH9Yx$Ouq)1p(<GH2=oQ7dD`~o{2y>v5*x`Y5Ao^AQzqCD9i(y1ag@JS{Q-E"
            "UoHMIn+46&Fj^3*h6#&n1dzlTal|~x{_{V2cY*jIcO(JnBs6uZ{=c<Y(ac8Bs3F3P6j5Y^NM>0oD^w+N+O`w9l?4(4xl{*BKG~Jh"
            "`J4^SW*9Aol*$;<<T#;rF+ypOT~kh0%QFI1g6w3#lBb`4Z&}O^<+GvD04-sMhX"
        ),
        "0000000000000008.journal": (
            "c-qS?Oe)GM%F8*`GiNs=LjVJV00S5>LMR3fD9z4*D$am|pBtFuw*FDk2aq_(%vDHoEKv0y?oC^UZZ3=#g{ol!Vj)I$uy|o<YH6yz"
            "VM=LHVp2}3I8+4-k_#BoOo7QUF<=KEGnkR|VKajj&4-*BPtSJ)IgC&m<kPGmmp>qRkdFg_bRe3U1t&P|IMG6q11`_Szy>7w(A>g?"
            "?pUaOiMfS(DVas7$tC$kDXB%p6BxKkQY%XI3vv=O^O%Y=D?kq72wHxD5oi?1VGLNJN@RM?1}>O~(CASx3P!;w7zLwX6pVsVFbYP&"
            "C>RC97ytmEC_AS"
        ),
    },
    ("encrypted", "killed"): {
        "0000000000000001.journal": (
            "c-qS?Oe)GM%F9Xqye*rFA%KBFfB_5`8Bl2k9DF7;zHAjs**WK{RxC(j%2T%{wjOw)937rAPem*+ve2dE3+KP7E|I@3r@q*tUO4$a"
            "&;1+Uo=(60e3eST!5Vd#zT=y|+UEu)x&7g9&t?Q#4059knp;5lb4Fbty1QUt^@BC>&T~3`7bh@eY-nwCKk$a9J|Xfm_W{GST#(rk"
            "izl>!%m&%<1E~HI5VIheeeP)4e<lX(VIs2N;boP&*h35SbnIrXesiS$r(rvH=GT@T>`@2I*8MD9*f;G6{}lcg(^I&fY$%?-h?Or!"
            "^v+5)r>JPJp9Xt%j(*$i6P>tQ)IMf$oX4?8Mjk)csT99@D=xt;(dE;a7q;nF=d(9U)J|54wqFWfadfVtc-G(lON%#bHgt)oRM}JK"
            "xkM>R{AilJ*m>{IYo4SxI3C(wvSqQT(ZBqy$NW|?yZ>6jp8D?cK{lqDmnYn3ieSC8*nPhiw^q=>Tl)KXtsZkcKKnX)osdsi>|W2}"
            "lR5j>{JB)Q>YI;v?fkBT^I|t{e{*r)jFK0buR`T+FA?7}X?s&Ze52j-AO6bTpm5U-dlUc)H&FN`0mC8)EqrqSB>ZJYOCvB^*!%#C"
            "@y3vod#h6tH@`TaZq(4wJH^u1D<;!EL9T__vE$F0GLffc3S8gZ6TV$perJ=a_kD@Hs(=5E7=C!4&bwpn0wwl`UuNv+^*A?k%3|@u"
            "I&Z@!MTAdk|L)Pw^la*y886L2E=*ouH4o%MkV^y5QY^@YEU%6|how?xG<xG^WAob|rT*=6nRM1T*MDJvQ_JefU4gc4a@#U5rMO*s"
            "u#Ufr|A(fd%59BwGoF{P_IKS{)|+~DDa)GZsCMTbzc|_d|6Xuk_2F(?9vV;{&<}FYX<eBE;8YBBR}s*TB(xBlx6W9W70PEpqZ201"
            "%u*GsdH2`1tYgmC)td|?l%@C^7bKgWwQRClCbav<ht-A=++KmxxIdSwI{w%+ckAJ^JJ0yfd->tky$d~j2VV08>6xcHE^X)S{g$=s"
            "#>>M|NtuB>Yl^)NJ=D_J;*-BD-Dv7^#*TlptsV-`pIDkOXFkZq0)6q0AQyvNZi6M?ZC})TlMO1yibgLr5WHH|^lP4#y}O=<$0FSq"
            "(MAr3Lr)#pXCdp!5@`5$bHsm*)za5yt+v|rsp{Tohms>3|C`9ZoW3M<Q82?O7zLwX6pVsVFbYP&C>RB!fF=L{Fi?{k"
        ),
    },
    ("encrypted", "closed twice"): {
        "0000000000000001.journal": (
            "c-qS?Oe)GM%F9Xqye*rFA%KBFfB_5`8Bl2k9DF7;zHAjs**WK{RxC(j%2T%{wjOw)937rAPem*+ve2dE3+KP7E|I@3r@q*tUO4$a"
            "&;1+Uo=(60e3eST!5Vd#zT=y|+UEu)x&7g9&t?Q#4059knp;5lb4Fbty1QUt^@BC>&T~3`7bh@eY-nwCKk$a9J|Xfm_W{GST#(rk"
            "izl>!%m&%<1E~HI5VIheeeP)4e<lX(VIs2N;boP&*h35SbnIrXesiS$r(rvH=GT@T>`@2I*8MD9*f;G6{}lcg(^I&fY$%?-h?Or!"
            "^v+5)r>JPJp9Xt%j(*$i6P>tQ)IMf$oX4?8Mjk)csT99@D=xt;(dE;a7q;nF=d(9U)J|54wqFWfadfVtc-G(lON%#bHgt)oRM}JK"
            "xkM>R{AilJ*m>{IYo4SxI3C(wvSqQT(ZBqy$NW|?yZ>6jp8D?cK{lqDmnYn3ieSC8*nPhiw^q=>Tl)KXtsZkcKKnX)osdsi>|W2}"
            "lR5j>{JB)Q>YI;v?fkBT^I|t{e{*r)jFK0buR`T+FA?7}X?s&Ze52j-AO6bTpm5U-dlUc)H&FN`0mC8)EqrqSB>ZJYOCvB^*!%#C"
            "@y3vod#h6tH@`TaZq(4wJH^u1D<;!EL9T__vE$F0GLffc3S8gZ6TV$perJ=a_kD@Hs(=5E7=C!4&bwpn0wwl`UuNv+^*A?k%3|@u"
            "I&Z@!MTAdk|L)Pw^la*y886L2E=*ouH4o%MkV^y5QY^@YEU%6|how?xG<xG^WAob|rT*=6nRM1T*MDJvQ_JefU4gc4a@#U5rMO*s"
            "u#Ufr|A(fd%59BwGoF{P_IKS{)|+~DDa)GZsCMTbzc|_d|6Xuk_2F(?9vV;{&<}FYX<eBE;8YBBR}s*TB(xBlx6W9W70PEpqZ201"
            "%u*GsdH2`1tYgmC)td|?l%@C^7bKgWwQRClCbav<ht-A=++KmxxIdSwI{w%+ckAJ^JJ0yfd->tky$d~j2VV08>6xcHE^X)S{g$=s"
            "#>>M|NtuB>Yl^)NJ=D_J;*-BD-Dv7^#*TlptsV-`pIDkOXFkZq0)6q0AQyvNZi6M?ZC})TlMO1yibgLr5WHH|^lP4#y}O=<$0FSq"
            "(MAr3Lr)#pXCdp!5@`5$bHsm*)za5yt+v|rsp{Tohms>3|C`9ZoW3M<Q7|}P&dm*B1X>Pqg8-H?XsS4CF*}schDOi-#X9@{`j1_!"
            "lBB#_mn@6{08<K~cm"
        ),
        "0000000000000008.journal": (
            "c-qS?Oe)GM%FAhguzfxgLjVJV00S5>LMR3fD9z4*D$am|FI&Y@cFy^#6*H39q@IYGk%2}xepvJ`nRJcqr2gdtDYs@{dT@HWr@x%{"
            "1)(D|zcxxTpA&sy5o&bVzc~%2?^5l&Ke>TPZbCcaE-(Tu0=aP)lDRBU`%A7ynxMNAM&Epry+~k}?TY<BzKQ<~c-`EP!NkeR;V-J^"
            "ZYou?pz){U;<P^oakUd2p7up3Pru*UFJBg#KRxZ?Cx(DyYrm!+w%xbd?psCrm5jYlrq7+$;pP9)>|BHVoBcm$^|<u0F5k#h=(@r1"
            "==<=N*Y77-s%oBncUq$(efG&x_n$51hw@#f*gg-4v*>FmU&K>(H)y-c$tUV9MQ!J~cih)GywFVL{yB!?lNGypZ`hPsJX-J6{Jqs*"
            "XyzRzX{qwY7?96RZznAV`5Y7ii9p{3B851JcJO%;#)%eFFq+S}oO|U5<0<?9>PT%$7iqcPJbO}vl+?wW!LCP&6{@RM{M1ss6Qmy="
            "wVAq8zR%#Zf4q|2)|b1SHZUD`R{SCKGd!8oVn^quombZ<$#1o^dKyxc7dtt_*32Qu@@A^R?2KrT18o*$q%i_r2y&<ZmZb4&$#W|%"
            "D4!FJ?!Gi}GsF3c2EE(c1OB`UKgBQ#M!_f;1*2dTjDk@x3P!;w7zLw%b^rh|`p^&"
        ),
    },
}
"""Per kind and end of the journal: its files, compressed. All were prepared with 4 KiB."""


def content_of(text: str) -> bytes:
    """The octets of a file."""
    return zlib.decompress(b85decode(text))
